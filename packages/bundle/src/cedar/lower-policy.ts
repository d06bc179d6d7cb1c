import { field, type JsonValue } from '@provability-fabric/kernel';
import type {
  CedarActionScope,
  CedarCondition,
  CedarPolicy,
  CedarScope,
} from '@provability-fabric/policy/cedar';
import type { ExactIntegers } from './exact-integers.ts';
import { LoweringError, lowerEntity, lowerExpression, members } from './lower-expression.ts';

type Lowered = Pick<
  CedarPolicy,
  'effect' | 'annotations' | 'principal' | 'action' | 'resource' | 'conditions'
>;

export function lowerPolicy(json: JsonValue, integers: ExactIntegers): Lowered {
  const effect = field(json, 'effect');
  if (effect !== 'permit' && effect !== 'forbid') throw unknownScope(effect);
  const annotations = members(field(json, 'annotations') ?? {});
  const conditions = field(json, 'conditions') ?? [];
  return {
    effect,
    annotations: annotations.map(([name, value]) => ({
      name,
      value: typeof value === 'string' ? value : '',
    })),
    principal: lowerScope(field(json, 'principal')),
    action: lowerActionScope(field(json, 'action')),
    resource: lowerScope(field(json, 'resource')),
    conditions: (conditions as readonly JsonValue[]).map((condition) => lowerCondition(condition, integers)),
  };
}

function lowerCondition(json: JsonValue, integers: ExactIntegers): CedarCondition {
  const kind = field(json, 'kind') === 'unless' ? 'unless' : 'when';
  return { kind, body: lowerExpression(field(json, 'body'), integers) };
}

function lowerScope(json: JsonValue | undefined): CedarScope {
  const op = field(json, 'op');
  const entity = field(json, 'entity');
  if (op === 'All') return { op: 'any' };
  if (op === '==' && entity !== undefined) return { op: 'equals', entity: lowerEntity(entity) };
  if (op === 'in' && entity !== undefined) return { op: 'in', entity: lowerEntity(entity) };
  const type = field(json, 'entity_type');
  if (op !== 'is' || typeof type !== 'string') throw unknownScope(op);
  const parent = field(json, 'in');
  if (parent === undefined) return { op: 'is', type };
  return { op: 'is in', type, entity: lowerEntity(field(parent, 'entity')) };
}

function lowerActionScope(json: JsonValue | undefined): CedarActionScope {
  const op = field(json, 'op');
  const entity = field(json, 'entity');
  const entities = field(json, 'entities');
  if (op === 'All') return { op: 'any' };
  if (op === '==' && entity !== undefined) return { op: 'equals', entity: lowerEntity(entity) };
  if (op === 'in' && entity !== undefined) return { op: 'in', entities: [lowerEntity(entity)] };
  if (op === 'in' && Array.isArray(entities)) return { op: 'in', entities: entities.map(lowerEntity) };
  throw unknownScope(op);
}

function unknownScope(op: JsonValue | undefined): LoweringError {
  return new LoweringError(
    `expected a scope of \`==\`, \`in\` or \`is\`, got \`${String(op)}\``,
    'write the condition into a `when` clause',
  );
}
