import { formatByteSize, parseByteSize } from './byte-size.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { nearest } from './nearest.ts';
import { shown } from './problem.ts';
import type { DatabaseChoice, Listen } from './settings.ts';
import { parseWebAddress } from './web-address.ts';

/** A value, or what was expected and what came. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string };

export const good = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
export const bad = (expected: string, came: unknown, mend = ''): Parsed<never> => ({
  ok: false,
  problem: `expected ${expected}, came ${shown(came)}${mend}`,
});

export function parsePath(value: unknown): Parsed<string> {
  return isLine(value, 4096) ? good(value) : bad('a path', value);
}

export function parseListen(value: unknown): Parsed<Listen> {
  const expected = 'host:port such as `127.0.0.1:8080`';
  const parts =
    typeof value === 'string'
      ? /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(value)
      : null;
  if (parts === null) return bad(expected, value);
  const port = Number(parts[3]);
  if (port > 65_535) return bad(`${expected} with a port of at most 65535`, value);
  return good({ host: (parts[1] ?? parts[2]) as string, port });
}

export function parseOrigin(value: unknown): Parsed<string> {
  const valid = typeof value === 'string' && /^[A-Za-z0-9._/-]{1,128}$/.test(value);
  return valid ? good(value) : bad('a name of 1 to 128 letters, digits and `. _ / -`', value);
}

export function parseSpan(value: unknown, low: number, high: number): Parsed<number> {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms === undefined) return bad('a duration with its unit, such as `30s`, `15m` or `1h`', value);
  if (ms < low || ms > high)
    return bad(`a duration of ${formatDuration(low)} to ${formatDuration(high)}`, value);
  return good(ms);
}

/** From YAML a number, from a key file its digits. */
export function parseCount(value: unknown, low: number, high: number): Parsed<number> {
  const count = typeof value === 'bigint' ? Number(value) : value;
  const valid = Number.isSafeInteger(count) && (count as number) >= low && (count as number) <= high;
  return valid ? good(count as number) : bad(`a whole number of ${low} to ${high}`, value);
}

export function parseDigits(value: unknown, low: number, high: number): Parsed<number> {
  const digits = typeof value === 'string' && /^\d{1,15}$/.test(value);
  const count = digits ? parseCount(Number(value), low, high) : undefined;
  return count?.ok === true ? count : bad(`a whole number of ${low} to ${high}`, value);
}

export function parseSize(value: unknown, low: number, high: number): Parsed<number> {
  const bytes = typeof value === 'string' ? parseByteSize(value) : undefined;
  if (bytes === undefined) return bad('a size with its unit, such as `512KiB` or `4MiB`', value);
  if (bytes < low || bytes > high)
    return bad(`a size of ${formatByteSize(low)} to ${formatByteSize(high)}`, value);
  return good(bytes);
}

export function parseOneOf<const Choice extends string>(
  value: unknown,
  choices: readonly Choice[],
): Parsed<Choice> {
  const match = choices.find((choice) => choice === value);
  if (match !== undefined) return good(match);
  const meant = typeof value === 'string' ? nearest(value, choices) : undefined;
  const mend = meant === undefined ? '' : `; did you mean \`${meant}\`?`;
  return bad(`one of ${choices.join(', ')}`, value, mend);
}

/** What came is not repeated where it looks like an address: that holds the database's password. */
export function parseDatabase(value: unknown): Parsed<DatabaseChoice> {
  if (typeof value === 'string' && /[:@/=]/.test(value)) {
    return {
      ok: false,
      problem:
        "expected embedded or none, came an address; it holds a secret, so it belongs in the process's " +
        'environment as DATABASE_URL (take it out of this file, and change the password)',
    };
  }
  return parseOneOf(value, ['embedded', 'none']);
}

/** The root of another fabric's listener: scheme, host and port. */
export function parseAdvertised(value: unknown): Parsed<string> {
  const address = parseWebAddress(value, { loopbackOnly: false });
  if (!address.ok) return address;
  const { origin, pathname, search } = address.url;
  if (pathname === '/' && search === '') return good(origin);
  return { ok: false, problem: `expected scheme, host and port alone, such as \`${origin}\`` };
}

/** Some text on one line. */
export function isLine(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest && !hasControl(value);
}

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a path with a control character is what this refuses
  return /[\u0000-\u001f\u007f]/.test(text);
}
