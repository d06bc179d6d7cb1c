import type { CompiledBundle } from '@provability-fabric/policy';

type CedarPolicy = CompiledBundle['cedar']['policies'][number];
type Scope = CedarPolicy['principal'];
type Entity = Extract<Scope, { op: 'equals' }>['entity'];

const entityName = ({ type, id }: Entity) => `${type} "${id}"`;

/** A Cedar policy's scope in words; what its conditions say is for its text to say. */
export function policyPhrase({ effect, principal, action, resource, conditions, line }: CedarPolicy): string {
  const verb = effect === 'permit' ? 'permits' : 'forbids';
  const when =
    conditions.length === 0
      ? ''
      : ` where its ${conditions.length === 1 ? 'condition' : 'conditions'} say so`;
  return `${verb} ${who(principal)} to ${actionPhrase(action)} ${what(resource)}${when} (policy.cedar line ${line})`;
}

function who(scope: Scope): string {
  switch (scope.op) {
    case 'any':
      return 'anyone';
    case 'equals':
      return entityName(scope.entity);
    case 'in':
      return `anyone in ${entityName(scope.entity)}`;
    case 'is':
      return `any ${scope.type}`;
    case 'is in':
      return `any ${scope.type} in ${entityName(scope.entity)}`;
  }
}

function what(scope: Scope): string {
  switch (scope.op) {
    case 'any':
      return 'anything';
    case 'equals':
      return entityName(scope.entity);
    case 'in':
      return `anything in ${entityName(scope.entity)}`;
    case 'is':
      return `any ${scope.type}`;
    case 'is in':
      return `any ${scope.type} in ${entityName(scope.entity)}`;
  }
}

function actionPhrase(scope: CedarPolicy['action']): string {
  if (scope.op === 'any') return 'call or read';
  const entities = scope.op === 'equals' ? [scope.entity] : scope.entities;
  return entities.map(({ id }) => id).join(' or ');
}
