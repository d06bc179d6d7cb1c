import type { CedarDatetime, CedarDuration } from './datetime.ts';
import type { CedarDecimal } from './decimal.ts';
import type { CedarIpAddress } from './ip-address.ts';
import type { CedarSet } from './set.ts';

/**
 * What an expression can evaluate to. A Long is always a bigint within 64 bits: one form, so that `===`
 * compares.
 */
export type CedarValue =
  | boolean
  | string
  | bigint
  | EntityUid
  | CedarSet
  | CedarRecord
  | CedarDecimal
  | CedarIpAddress
  | CedarDatetime
  | CedarDuration
  | Unrepresentable;

export class EntityUid {
  readonly kind = 'entity';
  /**
   * Equal exactly for equal names: with the length of the type in front, no choice of id can pass for another
   * type.
   */
  readonly key: string;

  constructor(
    readonly type: string,
    readonly id: string,
  ) {
    this.key = `${type.length} ${type} ${id}`;
    // V8 keeps a concatenation as a rope until somebody reads it, and maps compare ropes three times slower.
    this.key.charCodeAt(0);
  }

  toString(): string {
    return `${this.type}::${JSON.stringify(this.id)}`;
  }
}

export function entityUid(type: string, id: string): EntityUid {
  return new EntityUid(type, id);
}

/**
 * Stands where the outside sent something that Cedar has no value for (null, a fraction of five digits).
 * `has` sees it, any use is an evaluation error: dropping it instead would let `forbid … when { context has x
 * && … }` fail open.
 */
export class Unrepresentable {
  readonly kind = 'unrepresentable';

  constructor(readonly reason: string) {}
}

export function unrepresentable(reason: string): Unrepresentable {
  return new Unrepresentable(reason);
}

/**
 * Fields in a map, never as object properties: whoever sends the arguments chooses the names, `__proto__`
 * included.
 */
export class CedarRecord {
  readonly kind = 'record';
  /**
   * Some field, at any depth, cannot be represented: the record can be looked into, but not compared or
   * stored.
   */
  readonly flaw: Unrepresentable | undefined;

  constructor(readonly fields: ReadonlyMap<string, CedarValue>) {
    let flaw: Unrepresentable | undefined;
    for (const value of fields.values()) flaw ??= flawOf(value);
    this.flaw = flaw;
  }

  get(name: string): CedarValue | undefined {
    return this.fields.get(name);
  }
}

export const EMPTY_RECORD = new CedarRecord(new Map());

/** A record from a literal in our own code. */
export function cedarRecord(fields: Readonly<Record<string, CedarValue>>): CedarRecord {
  return new CedarRecord(new Map(Object.entries(fields)));
}

/** Why a value cannot be used as a whole. Sets need no look: they are never built over one that cannot. */
export function flawOf(value: CedarValue): Unrepresentable | undefined {
  if (typeof value !== 'object') return undefined;
  if (value.kind === 'unrepresentable') return value;
  return value.kind === 'record' ? value.flaw : undefined;
}

const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;

export function isLong(value: bigint): boolean {
  return value >= MIN_LONG && value <= MAX_LONG;
}

/** The name of a value's type, for messages: never the value, which may be a secret. */
export function typeName(value: CedarValue): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    case 'bigint':
      return 'long';
    default:
      return value.kind === 'entity' ? `entity ${value.type}` : value.kind;
  }
}
