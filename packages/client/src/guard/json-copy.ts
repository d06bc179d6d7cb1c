import type { JsonValue } from '@provability-fabric/kernel';

/** Why a value is none that JSON can say. The path and the kind, never the value. */
export class NotJson extends Error {}

/** More than there is room for, counted from below: a character is at least a byte. */
export class TooLarge extends Error {}

/** With what the request around it needs, this stays within what the fabric reads. */
const MAX_DEPTH = 480;

interface Copying {
  room: number;
  readonly frozen: boolean;
}

/**
 * A copy that nobody else holds, of what `value` says at this moment: members are read once, so a getter, a
 * proxy or another holder of the value cannot make the decision and the action differ. Members that are
 * undefined are left out, as JSON.stringify leaves them out; whatever else JSON cannot say is refused, since
 * a converted value would not be the one that was meant.
 */
export function jsonCopy(value: unknown, maxBytes: number, { frozen = false } = {}): JsonValue {
  try {
    return copy(value, '', { room: maxBytes, frozen }, 0);
  } catch (error) {
    throw isOurs(error) ? error : new NotJson('came a value that cannot be read');
  }
}

/** A hostile value may throw what cannot even be asked what it is. */
function isOurs(error: unknown): boolean {
  try {
    return error instanceof NotJson || error instanceof TooLarge;
  } catch {
    return false;
  }
}

function copy(value: unknown, path: string, copying: Copying, depth: number): JsonValue {
  copying.room -= 1;
  if (copying.room < 0) throw new TooLarge();
  switch (typeof value) {
    case 'boolean':
    case 'bigint':
      return value;
    case 'string':
      return text(value, path, copying);
    case 'number':
      if (!Number.isFinite(value)) throw unfit(path, 'a number that is not finite');
      // JSON's readers do not agree on its sign.
      return value === 0 ? 0 : value;
    case 'object':
      if (value === null) return null;
      // A cycle ends here too.
      if (depth === MAX_DEPTH) throw unfit('', `nesting deeper than ${MAX_DEPTH}`);
      return Array.isArray(value)
        ? copyArray(value, path, copying, depth)
        : copyObject(value, path, copying, depth);
    default:
      throw unfit(path, value === undefined ? 'undefined' : `a ${typeof value}`);
  }
}

function copyArray(array: readonly unknown[], path: string, copying: Copying, depth: number): JsonValue {
  const copied: JsonValue[] = [];
  // Not `map`: it would skip the holes of a sparse array.
  for (let at = 0; at < array.length; at++) copied.push(copy(array[at], `${path}/${at}`, copying, depth + 1));
  return copying.frozen ? Object.freeze(copied) : copied;
}

function copyObject(object: object, path: string, copying: Copying, depth: number): JsonValue {
  if (!isPlain(object)) throw unfit(path, kindOf(object));
  const members: [string, JsonValue][] = [];
  for (const key of Object.keys(object)) {
    const member: unknown = (object as Record<string, unknown>)[key];
    if (member === undefined) continue;
    const at = `${path}/${key}`;
    members.push([text(key, at, copying), copy(member, at, copying, depth + 1)]);
  }
  // Defines own members, also for `__proto__`.
  const copied = Object.fromEntries(members);
  return copying.frozen ? Object.freeze(copied) : copied;
}

function text(value: string, path: string, copying: Copying): string {
  copying.room -= value.length;
  if (copying.room < 0) throw new TooLarge();
  if (/\p{Cs}/u.test(value)) throw unfit(path, 'text with half of a surrogate pair');
  return value;
}

/** Of any realm: made by a literal, JSON.parse or Object.create(null). */
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

function kindOf(object: object): string {
  const name: unknown = (object as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && /^[A-Za-z_$][\w$]{0,40}$/.test(name)
    ? `a ${name}`
    : 'an object of a class';
}

/**
 * Keys may be anybody's, and the message is read by the model: short, and without what a terminal would obey.
 */
function unfit(path: string, came: string): NotJson {
  if (path === '') return new NotJson(`came ${came}`);
  const shown = path.slice(0, 200).replace(/[\p{Cc}\p{Cf}\p{Cs}`]/gu, '?');
  return new NotJson(`came ${came} at \`${shown}\``);
}
