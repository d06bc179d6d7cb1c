/**
 * What JSON can say, without loss: an integer beyond ±(2^53 - 1) is a bigint, every other number an IEEE 754
 * double. Objects carry only own properties; `__proto__` is an ordinary key.
 */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * Nesting that reader and writers can follow on every engine's stack. A document deeper than this is refused,
 * and so is a cyclic value, instead of overflowing.
 */
export const MAX_JSON_DEPTH = 1024;

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * An own member of an object, undefined for anything else. Use it wherever someone else chose the document or
 * the key: plain indexing would find `constructor` or `__proto__` on the prototype.
 */
export function field(object: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets an own property even for `__proto__`, which plain assignment would turn into the prototype. */
export function setMember(object: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

/**
 * A key as it may appear in an error message or log line: escaped and short, since an attacker may have
 * chosen it.
 */
export function quoteKey(key: string): string {
  return `\`${JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key).slice(1, -1)}\``;
}
