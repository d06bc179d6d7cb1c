import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { CedarError } from './errors.ts';
import { EXTENSION_FUNCTIONS } from './extension-calls.ts';
import { cedarSet } from './set.ts';
import type { CedarType } from './types.ts';
import { CedarRecord, type CedarValue, EntityUid, isLong } from './values.ts';

/**
 * Reads Cedar's JSON form of a value: `{"__entity": …}` and `{"__extn": …}` stand for themselves, and with a
 * type also the implicit forms (`{"type","id"}`, `"10.0.0.1"`). Throws CedarError for what has no value or is
 * not of the type.
 */
export function cedarValueFromJson(json: JsonValue, type?: CedarType): CedarValue {
  if (!type) return untyped(json);
  switch (type.kind) {
    case 'entity':
      return entityFromJson(json, type.type);
    case 'set':
      if (!Array.isArray(json)) throw mismatch('set', json);
      return cedarSet(json.map((item: JsonValue) => cedarValueFromJson(item, type.element)));
    case 'record':
      return record(json, type.attributes);
    case 'decimal':
    case 'ipaddr':
    case 'datetime':
    case 'duration':
      return extension(json, type.kind);
    default: {
      const value = untyped(json);
      if (typeof value !== JAVASCRIPT_TYPES[type.kind]) throw mismatch(type.kind, json);
      return value;
    }
  }
}

/** An entity's name as `{"type","id"}` or within `{"__entity": …}`. */
export function entityFromJson(json: JsonValue | undefined, expectedType?: string): EntityUid {
  const name = field(json, '__entity') ?? json;
  const type = field(name, 'type');
  const id = field(name, 'id');
  if (typeof type !== 'string' || typeof id !== 'string') throw mismatch('entity', json);
  if (expectedType !== undefined && type !== expectedType)
    throw mismatch(`entity of type ${expectedType}`, json);
  return new EntityUid(type, id);
}

const JAVASCRIPT_TYPES = { boolean: 'boolean', string: 'string', long: 'bigint' } as const;
const CONSTRUCTORS = {
  decimal: 'decimal',
  ipaddr: 'ip',
  datetime: 'datetime',
  duration: 'duration',
} as const;

function untyped(json: JsonValue): CedarValue {
  switch (typeof json) {
    case 'boolean':
    case 'string':
      return json;
    case 'bigint':
    case 'number':
      return long(json);
    default:
      break;
  }
  if (Array.isArray(json)) return cedarSet(json.map((item: JsonValue) => untyped(item)));
  if (!isJsonObject(json)) throw mismatch('value', json);
  if (Object.hasOwn(json, '__entity')) return entityFromJson(json);
  const call = field(json, '__extn');
  if (call !== undefined) return extensionCall(call);
  return new CedarRecord(new Map(Object.entries(json).map(([name, value]) => [name, untyped(value)])));
}

function long(json: number | bigint): bigint {
  // A double from 2^53 on no longer says which integer was meant.
  if (typeof json === 'number' && !Number.isSafeInteger(json)) throw mismatch('integer', json);
  const value = BigInt(json);
  if (!isLong(value)) throw mismatch('integer of 64 bits', json);
  return value;
}

function record(
  json: JsonValue,
  attributes: Extract<CedarType, { readonly kind: 'record' }>['attributes'],
): CedarRecord {
  if (!isJsonObject(json)) throw mismatch('record', json);
  const fields = new Map<string, CedarValue>();
  for (const [name, value] of Object.entries(json)) {
    const attribute = attributes.get(name);
    if (!attribute) throw mismatch(`record without the attribute \`${name}\``, json);
    fields.set(name, cedarValueFromJson(value, attribute.type));
  }
  for (const [name, { required }] of attributes) {
    if (required && !fields.has(name)) throw mismatch(`record with the attribute \`${name}\``, json);
  }
  return new CedarRecord(fields);
}

function extension(json: JsonValue, kind: keyof typeof CONSTRUCTORS): CedarValue {
  const call = field(json, '__extn') ?? json;
  const value = isJsonObject(call) ? extensionCall(call) : construct(CONSTRUCTORS[kind], [call]);
  if (typeof value !== 'object' || value.kind !== kind) throw mismatch(kind, json);
  return value;
}

/**
 * `{"fn","arg"}` or `{"fn","args"}`; arguments may be calls themselves, as in an `offset` from a `datetime`.
 */
function extensionCall(json: JsonValue): CedarValue {
  const name = field(json, 'fn');
  const one = field(json, 'arg');
  const many = field(json, 'args');
  if (typeof name !== 'string' || (one === undefined) === !Array.isArray(many))
    throw mismatch('extension call', json);
  return construct(name, one === undefined ? (many as readonly JsonValue[]) : [one]);
}

function construct(name: string, json: readonly JsonValue[]): CedarValue {
  const known = EXTENSION_FUNCTIONS.get(name);
  const [first, second] = json.map((argument) => untyped(implicitCall(argument)));
  if (!known || first === undefined || json.length !== known.arity) {
    throw new CedarError(
      'CEDAR_VALUE',
      `expected a known extension function, got \`${name}\` of ${json.length}`,
    );
  }
  const value = known.call(first, second ?? false);
  if (typeof value === 'object' && value.kind === 'failure')
    throw new CedarError('CEDAR_VALUE', value.message);
  return value;
}

function implicitCall(json: JsonValue): JsonValue {
  const isCall = isJsonObject(json) && typeof field(json, 'fn') === 'string';
  return isCall ? ({ __extn: json } satisfies JsonObject) : json;
}

/** The value itself stays out of the message: it may be a secret. */
function mismatch(expected: string, json: JsonValue | undefined): CedarError {
  const kind = json === null ? 'null' : Array.isArray(json) ? 'array' : typeof json;
  return new CedarError('CEDAR_VALUE', `expected a Cedar ${expected}, got \`${kind}\``);
}
