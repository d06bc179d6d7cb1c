// The writer of the text forms; canonical-writer.ts has the canonical one in bytes. A value that JSON cannot say
// exactly is an error, never silently dropped: a digest over a text that lost something would certify what nobody
// sent.

import { isWellFormed } from '../bytes/well-formed.ts';
import { JsonError } from '../errors.ts';
import { type JsonObject, type JsonValue, MAX_JSON_DEPTH, quoteKey } from './value.ts';

export interface Form {
  /** Keys by UTF-16 code units (RFC 8785 §3.2.3) instead of in the order they were set. */
  readonly sorted: boolean;
  /** Keep the sign of zero, which RFC 8785 drops. */
  readonly negativeZero: boolean;
}

export function writeJson(value: JsonValue, form: Form): string {
  return write(value, form, 0, '');
}

function write(value: JsonValue, form: Form, depth: number, where: string): string {
  switch (typeof value) {
    case 'string':
      return writeString(value, where);
    case 'number':
      return form.negativeZero && Object.is(value, -0) ? '-0' : numberText(value, false, where);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return value.toString();
    case 'object':
      if (value === null) return 'null';
      if (depth >= MAX_JSON_DEPTH) throw depthExceeded();
      return isArray(value) ? writeArray(value, form, depth + 1) : writeObject(value, form, depth + 1, where);
    default:
      throw unrepresentable(typeof value, where);
  }
}

// Array.isArray does not narrow readonly arrays out of a union.
export const isArray: (value: readonly JsonValue[] | JsonObject) => value is readonly JsonValue[] =
  Array.isArray;

function writeArray(items: readonly JsonValue[], form: Form, depth: number): string {
  if (items.length === 0) return '[]';
  let text = '[';
  for (let i = 0; i < items.length; i++) {
    if (i > 0) text += ',';
    text += write(items[i] as JsonValue, form, depth, 'an array');
  }
  return `${text}]`;
}

function writeObject(object: JsonObject, form: Form, depth: number, where: string): string {
  requirePlain(object, where);
  const keys = Object.keys(object);
  if (keys.length === 0) return '{}';
  if (form.sorted) sortByCodeUnits(keys);
  let text = '{';
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (i > 0) text += ',';
    text += `${writeString(key, 'a key')}:${write(object[key] as JsonValue, form, depth, key)}`;
  }
  return `${text}}`;
}

/**
 * In place, by UTF-16 code units. Objects have few keys, often in order already: insertion beats the general
 * sort.
 */
export function sortByCodeUnits(keys: string[]): void {
  if (keys.length > 24) {
    keys.sort();
    return;
  }
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string;
    let at = i;
    while (at > 0 && (keys[at - 1] as string) > key) {
      keys[at] = keys[at - 1] as string;
      at--;
    }
    keys[at] = key;
  }
}

const SHORT = 40;

/** ECMAScript's quoting is RFC 8785's (§3.2.2.2) for every well-formed string. */
function writeString(text: string, where: string): string {
  const length = text.length;
  if (length <= SHORT) {
    let at = 0;
    while (at < length && isPlain(text.charCodeAt(at))) at++;
    if (at === length) return `"${text}"`;
  }
  if (!isWellFormed(text)) throw loneSurrogate(where);
  return JSON.stringify(text);
}

/** Printable ASCII that no JSON text escapes. */
function isPlain(code: number): boolean {
  return code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c;
}

/**
 * ECMAScript's shortest form is RFC 8785's (§3.2.2.3), which drops the sign of zero. `safeIntegersOnly`: so that
 * readers in every language agree on the number.
 */
export function numberText(value: number, safeIntegersOnly: boolean, where: string): string {
  if (safeIntegersOnly && !Number.isSafeInteger(value)) throw unsafeNumber(where);
  if (!Number.isFinite(value)) throw unrepresentable(`${value}`, where);
  return `${value}`;
}

/**
 * Dates, maps, byte arrays and class instances would come out as `{}` or worse. (Object.prototype of another
 * realm, as in a test's vm context, is recognised by having no prototype itself.)
 */
export function requirePlain(object: JsonObject, where: string): void {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    throw unrepresentable('an object that is not plain', where);
  }
}

export function depthExceeded(): JsonError {
  return new JsonError('JSON_DEPTH', `expected at most ${MAX_JSON_DEPTH} levels of nesting; is it cyclic?`);
}

export function loneSurrogate(where: string): JsonError {
  return new JsonError('JSON_LONE_SURROGATE', `expected Unicode text, got a lone surrogate ${place(where)}`);
}

export function unsafeNumber(where: string): JsonError {
  return new JsonError(
    'JSON_NUMBER_RANGE',
    `expected an integer within ±(2^53 - 1) ${place(where)}; write other numbers as strings`,
  );
}

export function unrepresentable(what: string, where: string): JsonError {
  return new JsonError('JSON_UNREPRESENTABLE', `expected a JSON value, got \`${what}\` ${place(where)}`);
}

function place(where: string): string {
  return where === '' ? 'at the top' : `in ${quoteKey(where)}`;
}
