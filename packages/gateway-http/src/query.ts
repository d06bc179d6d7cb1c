import { parseInstant } from '@provability-fabric/policy';
import { RequestError } from './errors.ts';

/** A query, each parameter at most once and known by name: two readers of it must not see two things. */
export type Query<Name extends string> = { readonly [name in Name]?: string };

const MAX_VALUE = 4096;
const PLAIN = /^\P{Cc}*$/u;

export function readQuery<Name extends string>(text: string, known: readonly Name[]): Query<Name> {
  const found: { [name in Name]?: string } = {};
  for (const part of text === '' ? [] : text.split('&')) {
    const at = part.indexOf('=');
    const name = decode(at < 0 ? part : part.slice(0, at)) as Name;
    if (!known.includes(name))
      throw malformed('query', `one of ${known.map(quote).join(', ')}`, 'another name');
    if (Object.hasOwn(found, name)) throw malformed(name, 'once', 'it twice');
    const value = at < 0 ? '' : decode(part.slice(at + 1));
    if (value === '' || value.length > MAX_VALUE || !PLAIN.test(value))
      throw malformed(name, `1 to ${MAX_VALUE} plain characters`, `${value.length} characters`);
    found[name] = value;
  }
  return found;
}

/** RFC 3339 to ms. `date -Iseconds` writes an offset with a plus sign, which means a space in a query. */
export function instantIn(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const instant = parseInstant(value.replace(/ (?=\d\d:\d\d$)/, '+'));
  if (instant !== undefined) return instant;
  throw malformed(name, 'an RFC 3339 time like 2026-01-01T00:00:00Z', `${value.length} characters`);
}

export function limitIn(value: string | undefined, { most, usual }: { most: number; usual: number }): number {
  if (value === undefined) return usual;
  const limit = /^[1-9]\d{0,8}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw malformed('limit', `a number from 1 to ${most}`, 'another');
}

export function oneOf<Value extends string>(
  name: string,
  value: string | undefined,
  { values, usual }: { values: readonly Value[]; usual: Value },
): Value {
  if (value === undefined) return usual;
  const known = values.find((candidate) => candidate === value);
  if (known !== undefined) return known;
  throw malformed(name, values.map(quote).join(', '), 'another');
}

/** RFC 8288. Every value is escaped anew: what a client sent comes back as data, never as a header of its own. */
export function nextLink(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value).replaceAll("'", '%27')}`],
  );
  return `<${path}?${given.join('&')}>; rel="next"`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw malformed('query', 'percent escapes that are UTF-8', 'others');
  }
}

function malformed(member: string, expected: string, came: string): RequestError {
  const detail = `expected \`${member}\` to be ${expected}, came ${came}`;
  return new RequestError('REQUEST_MALFORMED', detail, { members: { member, expected, came } });
}

function quote(name: string): string {
  return `\`${name}\``;
}
