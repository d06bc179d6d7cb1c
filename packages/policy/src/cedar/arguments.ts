import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { parseDatetime, parseDuration } from './datetime.ts';
import { CedarDecimal, parseDecimal } from './decimal.ts';
import { parseIpAddress } from './ip-address.ts';
import { cedarSet } from './set.ts';
import type { CedarType } from './types.ts';
import { CedarRecord, type CedarValue, isLong, unrepresentable } from './values.ts';

// Deeper than any policy looks; recursion over a value must not depend on who sent it.
const MAX_DEPTH = 64;

/**
 * Turns a tool's arguments into a Cedar value. Total, because the agent writes them: what Cedar has no value
 * for becomes `unrepresentable`, which is there for `has` and an error for everything else. No `__entity` or
 * `__extn` is understood: an agent must not name entities by writing JSON. With a type, a number or text is
 * read as the extension value that the schema promises; whatever does not fit is left as it is, to fail where
 * a policy uses it.
 */
export function cedarValueFromArguments(json: JsonValue, type?: CedarType): CedarValue {
  return convert(json, type, 0);
}

function convert(json: JsonValue, type: CedarType | undefined, depth: number): CedarValue {
  switch (typeof json) {
    case 'boolean':
      return json;
    case 'string':
      return fromText(json, type);
    case 'number':
      return fromNumber(json, type);
    case 'bigint':
      return fromInteger(json, type);
    default:
      break;
  }
  if (json === null) return unrepresentable('null');
  if (depth === MAX_DEPTH) return unrepresentable(`nested deeper than ${MAX_DEPTH} levels`);
  if (isArray(json)) {
    const element = type?.kind === 'set' ? type.element : undefined;
    return cedarSet(json.map((item) => convert(item, element, depth + 1)));
  }
  return fromObject(json, type, depth);
}

function fromObject(json: JsonObject, type: CedarType | undefined, depth: number): CedarRecord {
  const attributes = type?.kind === 'record' ? type.attributes : undefined;
  const fields = new Map<string, CedarValue>();
  for (const name of Object.keys(json)) {
    const value = json[name];
    if (value !== undefined) fields.set(name, convert(value, attributes?.get(name)?.type, depth + 1));
  }
  return new CedarRecord(fields);
}

const PARSERS = {
  decimal: parseDecimal,
  ipaddr: parseIpAddress,
  datetime: parseDatetime,
  duration: parseDuration,
} as const;

function fromText(text: string, type: CedarType | undefined): CedarValue {
  switch (type?.kind) {
    case 'decimal':
    case 'ipaddr':
    case 'datetime':
    case 'duration': {
      const value = PARSERS[type.kind](text);
      return typeof value === 'string' ? unrepresentable(value) : value;
    }
    default:
      return text;
  }
}

function fromNumber(value: number, type: CedarType | undefined): CedarValue {
  if (Number.isSafeInteger(value)) return fromInteger(BigInt(value), type);
  if (Number.isInteger(value)) return unrepresentable('a floating-point number beyond 2^53');
  // The shortest text that reads back as this double; below 10^-6 it has an exponent and is no decimal.
  const decimal = parseDecimal(String(value));
  return typeof decimal === 'string' ? unrepresentable(`a fraction: ${decimal}`) : decimal;
}

function fromInteger(value: bigint, type: CedarType | undefined): CedarValue {
  if (type?.kind === 'decimal') {
    const scaled = value * 10_000n;
    return isLong(scaled)
      ? new CedarDecimal(scaled)
      : unrepresentable('an integer beyond the range of decimal');
  }
  return isLong(value) ? value : unrepresentable('an integer beyond 64 bits');
}

function isArray(json: JsonObject | readonly JsonValue[]): json is readonly JsonValue[] {
  return Array.isArray(json);
}
