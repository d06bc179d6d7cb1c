import { isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { PolicyError } from './errors.ts';

/** Reads one part of a document of which nothing is known yet; `where` names the part in the refusal. */
export type Reader<T> = (value: JsonValue | undefined, where: string) => T;

export function malformed(where: string, expected: string, came: JsonValue | undefined): never {
  throw new PolicyError(
    'BUNDLE_MALFORMED',
    `expected ${expected} at \`${where}\`, came \`${shown(came)}\`; compile the bundle again`,
  );
}

type OptionalReader<T> = Reader<T> & { readonly mayBeMissing: true };

/** A member that is there only where the bundle uses it: what others compile to stays as it is. */
export function optional<T>(content: Reader<T>): OptionalReader<T> {
  const reader: Reader<T> = (value, where) => content(value, where);
  return Object.assign(reader, { mayBeMissing: true as const });
}

/**
 * An object with exactly these members: an unknown one would be covered by the digest and yet mean nothing.
 */
export function members<T extends object>(
  readers: {
    readonly [K in keyof T]-?: undefined extends T[K]
      ? OptionalReader<Exclude<T[K], undefined>>
      : Reader<T[K]>;
  },
): Reader<T> {
  const names = Object.keys(readers) as (keyof T & string)[];
  return (value, where) => {
    const object = objectAt(value, where);
    for (const key of Object.keys(object)) {
      if (!Object.hasOwn(readers, key)) malformed(where, `only the members ${names.join(', ')}`, key);
    }
    const read: Partial<T> = {};
    for (const name of names) {
      const reader = readers[name] as Reader<T[typeof name]>;
      const isThere = Object.hasOwn(object, name);
      if (!isThere && 'mayBeMissing' in reader) continue;
      read[name] = reader(isThere ? object[name] : undefined, `${where}.${name}`);
    }
    return read as T;
  };
}

/**
 * An object whose member names are data. `__proto__` is refused: assigning it would change the object, not
 * add to it.
 */
export function byName<T>(name: Reader<string>, content: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, where) => {
    const object = objectAt(value, where);
    const read: Record<string, T> = {};
    for (const key of Object.keys(object)) {
      if (key === '__proto__') malformed(where, 'another name', key);
      name(key, `${where}.${key}`);
      read[key] = content(object[key], `${where}.${key}`);
    }
    return read;
  };
}

export function listOf<T>(content: Reader<T>, atLeast = 0): Reader<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value) || value.length < atLeast) {
      return malformed(where, atLeast === 0 ? 'a list' : 'a list that is not empty', value);
    }
    return value.map((item: JsonValue, index) => content(item, `${where}[${index}]`));
  };
}

export function orNull<T>(content: Reader<T>): Reader<T | null> {
  return (value, where) => (value === null ? null : content(value, where));
}

export function oneOf<const T extends string>(...allowed: readonly T[]): Reader<T> {
  return (value, where) =>
    allowed.find((candidate) => candidate === value) ?? malformed(where, allowed.join(' or '), value);
}

/** Text that `accepts` takes; what it throws or refuses is refused here. */
export function textThat(expected: string, accepts: (text: string) => unknown): Reader<string> {
  return (value, where) => {
    if (typeof value !== 'string' || !holds(accepts, value)) return malformed(where, expected, value);
    return value;
  };
}

/** Neither empty nor with control characters, which could forge a second line in a log. */
export function isLine(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return false;
  }
  return text !== '';
}

function holds(accepts: (text: string) => unknown, text: string): boolean {
  try {
    return accepts(text) !== false;
  } catch {
    return false; // the kernel's readers of names and pointers say no by throwing
  }
}

export function matching<T extends string = string>(pattern: RegExp, expected: string): Reader<T> {
  return textThat(expected, (text) => pattern.test(text)) as Reader<T>;
}

/** An integer from `least` up to 2^53 - 1. */
export function integer(least: number): Reader<number> {
  return (value, where) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least
      ? value
      : malformed(where, `a whole number of at least ${least}`, value);
}

export const flag: Reader<boolean> = (value, where) =>
  typeof value === 'boolean' ? value : malformed(where, 'true or false', value);

export function objectAt(value: JsonValue | undefined, where: string): JsonObject {
  return isJsonObject(value) ? value : malformed(where, 'an object', value);
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
