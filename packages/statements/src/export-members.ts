// How the members of an evidence file are read: all of it is an attacker's.
import { fromBase64, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { StatementError } from './errors.ts';

export function fail(what: string): never {
  throw new StatementError('EXPORT_MALFORMED', `expected ${what}`);
}

/** An object with these members, and no others but the optional ones. */
export function members(
  value: JsonValue | undefined,
  names: readonly string[],
  what: string,
  optional: readonly string[] = [],
): JsonObject {
  if (!isJsonObject(value)) fail(`${what} to be an object`);
  const keys = Object.keys(value);
  for (const key of keys) if (![...names, ...optional].includes(key)) fail(`no member \`${key}\` in ${what}`);
  for (const name of names) if (!keys.includes(name)) fail(`member \`${name}\` in ${what}`);
  return value;
}

export function text(value: JsonValue | undefined, what: string): string {
  return typeof value === 'string' ? value : fail(`${what} to be text`);
}

export function list(value: JsonValue | undefined, what: string): readonly JsonValue[] {
  return Array.isArray(value) ? value : fail(`${what} to be a list`);
}

export function index(value: JsonValue | undefined, what: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : fail(what);
}

/** 32 bytes in base64. */
export function hash(value: JsonValue | undefined, what: string): string {
  const encoded = text(value, what);
  if (fromBase64(encoded).length !== 32) fail(`${what} to be 32 bytes in base64`);
  return encoded;
}

export function hashes(value: JsonValue | undefined, what: string, one: string): readonly string[] {
  return list(value, what).map((item) => hash(item, one));
}
