import { field, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { EntityData } from './entity-store.ts';
import { CedarError } from './errors.ts';
import type { CedarType, CedarTypes } from './types.ts';
import { cedarValueFromJson, entityFromJson } from './value-json.ts';
import { CedarRecord, type CedarValue, EMPTY_RECORD } from './values.ts';

/** Reads Cedar's JSON form of entities, `[{"uid","attrs","parents","tags"}]`. Throws CedarError. */
export function entitiesFromJson(json: JsonValue, types?: CedarTypes): readonly EntityData[] {
  if (!Array.isArray(json)) throw new CedarError('CEDAR_ENTITIES', 'expected an array of entities');
  return json.map((entity: JsonValue) => entityDataFromJson(entity, types));
}

function entityDataFromJson(json: JsonValue, types: CedarTypes | undefined): EntityData {
  const uid = entityFromJson(field(json, 'uid'));
  const parents = field(json, 'parents') ?? [];
  if (!Array.isArray(parents)) throw new CedarError('CEDAR_ENTITIES', 'expected `parents` to be an array');
  return {
    uid,
    attributes: recordFromJson(field(json, 'attrs'), types?.attributesOf(uid.type)),
    parents: parents.map((parent: JsonValue) => entityFromJson(parent)),
    tags: tagsFromJson(field(json, 'tags'), types?.tagsOf(uid.type)),
  };
}

/**
 * Reads a request's context, a JSON object, by the type that the schema gives the action's. Throws
 * CedarError.
 */
export function recordFromJson(json: JsonValue | undefined, type?: CedarType): CedarRecord {
  const value = cedarValueFromJson(json ?? {}, type);
  if (value instanceof CedarRecord) return value;
  throw new CedarError('CEDAR_VALUE', 'expected a record');
}

/** Names are free and all values have one type. */
function tagsFromJson(json: JsonValue | undefined, type: CedarType | undefined): CedarRecord {
  if (json === undefined) return EMPTY_RECORD;
  if (!isJsonObject(json)) throw new CedarError('CEDAR_ENTITIES', 'expected `tags` to be an object');
  const tags = Object.entries(json).map(([name, value]): [string, CedarValue] => [
    name,
    cedarValueFromJson(value, type),
  ]);
  return new CedarRecord(new Map(tags));
}
