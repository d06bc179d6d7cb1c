import type { EntityJson } from '@cedar-policy/cedar-wasm/nodejs';
import { compileCedar, loadCedarWasm } from '@provability-fabric/bundle/cedar';
import {
  CedarRecord,
  cedarValueFromArguments,
  type EntityData,
  entityStore,
  entityUid,
  loadCedar,
  withEntities,
} from '@provability-fabric/policy/cedar';
import { newEnforcer, newModelFromString } from 'casbin';
import { casbinModel, casbinPolicies } from './casbin-model.ts';
import { cedarText } from './cedar-text.ts';
import type { Question, Shape } from './shapes.ts';

/** Answers a question, building its request included; true: allowed. */
export type Answer = (question: Question) => boolean;

/** As the sidecar does it: the hierarchy is loaded once, principal and resource come with the request. */
export async function fabric(shape: Shape): Promise<Answer> {
  const compiled = await compileCedar({ policies: { path: 'policy.cedar', text: cedarText(shape.rules) } });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  const evaluator = loadCedar(compiled.ir);
  const groups = (type: string, parents: ReadonlyMap<string, string>): EntityData[] =>
    [...parents].map(([id, parent]) => ({ uid: entityUid(type, id), parents: [entityUid(type, parent)] }));
  const store = entityStore([...groups('Team', shape.teams), ...groups('Folder', shape.folders)]);
  return (question) => {
    const principal = entityUid('User', question.principal);
    const resource = entityUid('Tool', question.tool);
    const context = cedarValueFromArguments(question.arguments);
    const entities = withEntities(store, [
      { uid: principal, parents: question.team === '' ? [] : [entityUid('Team', question.team)] },
      { uid: resource, parents: question.folder === '' ? [] : [entityUid('Folder', question.folder)] },
    ]);
    if (!(context instanceof CedarRecord)) throw new Error('expected a record');
    const request = { principal, action: entityUid('Action', 'call'), resource, context, entities };
    return evaluator.evaluate(request).decision === 'allow';
  };
}

/**
 * The stateful API keeps parsed policies; entities it takes with every request: only those that the request
 * needs.
 */
export async function cedarWasm(shape: Shape): Promise<Answer> {
  const cedar = await loadCedarWasm();
  const parsed = cedar.preparsePolicySet('bench', { staticPolicies: cedarText(shape.rules) });
  if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors));
  return ({ principal, team, tool, folder, arguments: context }) => {
    const answer = cedar.statefulIsAuthorized({
      principal: { type: 'User', id: principal },
      action: { type: 'Action', id: 'call' },
      resource: { type: 'Tool', id: tool },
      context,
      entities: [
        ...lineage('User', principal, 'Team', team, shape.teams),
        ...lineage('Tool', tool, 'Folder', folder, shape.folders),
      ],
      preparsedPolicySetId: 'bench',
    });
    if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
    return answer.response.decision === 'allow';
  };
}

function lineage(
  type: string,
  id: string,
  groupType: string,
  group: string,
  parents: ReadonlyMap<string, string>,
): EntityJson[] {
  const entities: EntityJson[] = [];
  let child = { type, id };
  for (let above: string | undefined = group; above; above = parents.get(above)) {
    const parent = { type: groupType, id: above };
    entities.push({ uid: child, attrs: {}, parents: [parent] });
    child = parent;
  }
  entities.push({ uid: child, attrs: {}, parents: [] });
  return entities;
}

/**
 * casbin keeps policies and role links; leaves are linked to their groups by name, as its matcher can take
 * them.
 */
export async function casbin(shape: Shape): Promise<Answer> {
  const enforcer = await newEnforcer(newModelFromString(casbinModel(shape)));
  await enforcer.addPolicies(casbinPolicies(shape.rules));
  for (const [child, parent] of shape.teams) await enforcer.addNamedGroupingPolicy('g', child, parent);
  for (const [child, parent] of shape.folders) await enforcer.addNamedGroupingPolicy('g2', child, parent);
  return ({ principal, team, tool, folder, arguments: context }) =>
    enforcer.enforceSync(team === '' ? principal : team, folder === '' ? tool : folder, 'call', context);
}
