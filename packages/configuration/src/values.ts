import { formatDuration, parseDuration } from './duration.ts';
import { nearest } from './nearest.ts';
import { shown } from './problem.ts';
import type { Listen } from './settings.ts';

/** A value, or what was expected and what came. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string };

const good = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const bad = (expected: string, came: unknown, mend = ''): Parsed<never> => ({
  ok: false,
  problem: `expected ${expected}, came ${shown(came)}${mend}`,
});

export function parsePath(value: unknown): Parsed<string> {
  const clean = typeof value === 'string' && value !== '' && value.length <= 4096 && !hasControl(value);
  return clean ? good(value) : bad('a path', value);
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

export function parseCount(value: unknown): Parsed<number> {
  const count = typeof value === 'bigint' ? Number(value) : value;
  return Number.isSafeInteger(count) && (count as number) >= 0
    ? good(count as number)
    : bad('a whole number of 0 to 9007199254740991', value);
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

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a path with a control character is what this refuses
  return /[\u0000-\u001f\u007f]/.test(text);
}
