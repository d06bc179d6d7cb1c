import { JsonError } from '../errors.ts';
import { isJsonObject, type JsonValue } from './value.ts';

/**
 * The reference tokens of a JSON pointer (RFC 6901); throws JsonError JSON_SYNTAX. '' has none and means the
 * whole.
 */
export function parsePointer(pointer: string): readonly string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) {
    throw new JsonError('JSON_SYNTAX', 'expected a JSON pointer that is empty or begins with `/`', 0);
  }
  const wrong = pointer.search(/~(?![01])/);
  if (wrong >= 0)
    throw new JsonError('JSON_SYNTAX', 'expected `~0` or `~1` in a JSON pointer, got another `~`', wrong);
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * Everything a pointer names: none, one, or with `*` (every element of an array, every member of an object)
 * many. Members come sorted by code units, so that a document and its canonical form give the same list.
 */
export function readPointer(value: JsonValue, pointer: string): readonly JsonValue[] {
  let found: readonly JsonValue[] = [value];
  for (const token of parsePointer(pointer)) {
    const next: JsonValue[] = [];
    for (const parent of found) step(parent, token, next);
    found = next;
  }
  return found;
}

function step(parent: JsonValue, token: string, into: JsonValue[]): void {
  if (isJsonObject(parent)) {
    if (token === '*') {
      for (const key of Object.keys(parent).sort()) into.push(parent[key] as JsonValue);
    } else if (Object.hasOwn(parent, token)) {
      into.push(parent[token] as JsonValue);
    }
  } else if (Array.isArray(parent)) {
    const items = parent as readonly JsonValue[];
    if (token === '*') {
      for (const item of items) into.push(item);
    } else if (/^(?:0|[1-9][0-9]{0,15})$/.test(token) && Number(token) < items.length) {
      into.push(items[Number(token)] as JsonValue);
    }
  }
}
