import { equalBytes } from '../bytes/concat.ts';
import { JsonError } from '../errors.ts';
import { CanonicalWriter } from './canonical-writer.ts';
import { type ParseOptions, parseJsonBytes } from './parse.ts';
import type { JsonValue } from './value.ts';
import { type Form, writeJson } from './write.ts';

const CANONICAL: Form = { sorted: true, negativeZero: false };
const RELAYED: Form = { sorted: false, negativeZero: true };

/**
 * RFC 8785, with one documented extension: a bigint is written in all its digits. (A double of 2^53 or more
 * is written as the RFC says, and reads back as the bigint of those digits when they have neither point nor
 * exponent.)
 */
export function canonicalJson(value: JsonValue): string {
  return writeJson(value, CANONICAL);
}

const canonical = new CanonicalWriter();
const statement = new CanonicalWriter(true);

export function canonicalBytes(value: JsonValue): Uint8Array {
  canonical.clear();
  canonical.value(value);
  return canonical.copy();
}

/** As `canonicalBytes`, for a reader that is done with them when it returns. */
export function withCanonicalBytes<Result>(value: JsonValue, read: (bytes: Uint8Array) => Result): Result {
  canonical.clear();
  canonical.value(value);
  return read(canonical.view());
}

/** The form of our own statements: every number a safe integer, so that no reader anywhere rounds one. */
export function strictCanonicalBytes(value: JsonValue): Uint8Array {
  statement.clear();
  statement.value(value);
  return statement.copy();
}

/**
 * For relaying what someone else sent: keeps the order of keys, all digits of integers and the sign of zero.
 */
export function stringifyJson(value: JsonValue): string {
  return writeJson(value, RELAYED);
}

/** Reads a document that must be exactly in canonical form: one value, one byte string. */
export function requireCanonical(bytes: Uint8Array, options?: ParseOptions): JsonValue {
  const value = parseJsonBytes(bytes, options);
  const canonical = canonicalBytes(value);
  if (!equalBytes(bytes, canonical)) {
    throw new JsonError(
      'JSON_NOT_CANONICAL',
      'expected canonical JSON (RFC 8785)',
      firstDifference(bytes, canonical),
    );
  }
  return value;
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}
