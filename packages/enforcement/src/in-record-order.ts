import { isJsonObject, type JsonValue } from '@provability-fabric/kernel';

/**
 * A value with its members in the order of the record: what is decided must be what a reader of the record derives, and
 * the record is canonical JSON, whatever order a client or server wrote in.
 */
export function inRecordOrder(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    const items = value as readonly JsonValue[];
    const ordered = items.map(inRecordOrder);
    return ordered.every((item, at) => item === items[at]) ? value : ordered;
  }
  if (!isJsonObject(value)) return value;
  const keys = Object.keys(value);
  const sorted = [...keys].sort();
  const members = sorted.map((key): [string, JsonValue] => [key, inRecordOrder(value[key] as JsonValue)]);
  const isSame = members.every(([key, member], at) => key === keys[at] && member === value[key]);
  return isSame ? value : Object.fromEntries(members);
}
