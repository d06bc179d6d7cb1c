import type { CedarIr, CedarPolicy } from '@provability-fabric/policy/cedar';
import type { Compilation } from './compilation.ts';
import { unknownEffect, unknownTool } from './event-classes.ts';
import { show } from './shape/read-shape.ts';
import { POLICY_FILE } from './sources.ts';
import { didYouMean } from './suggestion.ts';

const ACTIONS = ['call', 'read'];

/**
 * Tools, effects and actions that policies name must exist: a forbid with a mistyped name would forbid
 * nothing.
 */
export function checkCedarNames(cedar: CedarIr, compilation: Compilation): void {
  for (const policy of cedar.policies) {
    const place = { file: POLICY_FILE, line: policy.line, column: policy.column };
    for (const [type, ids] of entitiesIn(policy)) {
      for (const id of ids) {
        if (type === 'Tool') unknownTool(id, place, policy.id, compilation);
        if (type === 'Effect') unknownEffect(id, place, policy.id, compilation);
        if (type === 'Action' && !ACTIONS.includes(id)) {
          compilation.found.error('UNKNOWN_ACTION', place, {
            clause: policy.id,
            message: `expected an action out of ${ACTIONS.join(', ')}, came \`${show(id)}\``,
            mend: didYouMean(id, ACTIONS, 'write `Action::"call"` or `Action::"read"`'),
          });
        }
      }
    }
  }
}

/**
 * Every entity written in a policy, by type. In the IR they are the objects under `entity` and `entities`.
 */
function entitiesIn(policy: CedarPolicy): ReadonlyMap<string, ReadonlySet<string>> {
  const entities = new Map<string, Set<string>>();
  const open: unknown[] = [policy.principal, policy.action, policy.resource, policy.conditions];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part !== 'object' || part === null) continue;
    if ('type' in part && 'id' in part && typeof part.type === 'string' && typeof part.id === 'string') {
      const ids = entities.get(part.type) ?? new Set();
      entities.set(part.type, ids.add(part.id));
    }
    for (const inner of Object.values(part)) open.push(inner);
  }
  return entities;
}
