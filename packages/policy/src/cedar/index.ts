// evaluation

export type { CedarDecision, CedarEvaluationError, CedarEvaluator, CedarPolicySummary } from './evaluator.ts';
export { loadCedar } from './evaluator.ts';
export type { CedarRequest } from './situation.ts';

// entities

export type { EntityData, StoredEntity } from './entity-store.ts';
export { EntityStore, entityStore, withEntities } from './entity-store.ts';

// values

export { CedarDatetime, CedarDuration, parseDatetime, parseDuration } from './datetime.ts';
export { CedarDecimal, parseDecimal } from './decimal.ts';
export { equalValues } from './equality.ts';
export { CedarIpAddress, parseIpAddress } from './ip-address.ts';
export { CedarSet, cedarSet } from './set.ts';
export type { CedarValue } from './values.ts';
export {
  CedarRecord,
  cedarRecord,
  EMPTY_RECORD,
  EntityUid,
  entityUid,
  Unrepresentable,
  unrepresentable,
} from './values.ts';

// values and entities from JSON

export { cedarValueFromArguments } from './arguments.ts';
export { entitiesFromJson, recordFromJson } from './entities-json.ts';
export type { CedarAttributeType, CedarType, CedarTypes } from './types.ts';
export { cedarTypes } from './types.ts';
export { cedarValueFromJson, entityFromJson } from './value-json.ts';

// the compiled form

export { EXTENSION_FUNCTIONS } from './extension-calls.ts';
export type {
  CedarAction,
  CedarActionScope,
  CedarAnnotation,
  CedarAttributeName,
  CedarBinary,
  CedarCondition,
  CedarEffect,
  CedarEntityName,
  CedarEntityType,
  CedarExpression,
  CedarField,
  CedarIr,
  CedarPolicy,
  CedarPrimitive,
  CedarSchema,
  CedarScope,
  CedarTypeName,
  CedarUnary,
  CedarVariable,
} from './ir.ts';
export { CEDAR_IR_FORMAT } from './ir.ts';

// errors

export type { CedarErrorCode } from './errors.ts';
export { CedarError } from './errors.ts';
