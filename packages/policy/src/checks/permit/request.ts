import type { JsonValue, Label } from '@provability-fabric/kernel';
import {
  CedarDatetime,
  type CedarRecord,
  type CedarRequest,
  cedarRecord,
  cedarSet,
  cedarValueFromArguments,
  EMPTY_RECORD,
  type EntityData,
  type EntityStore,
  type EntityUid,
  entityStore,
  entityUid,
  withEntities,
} from '../../cedar/index.ts';
import type { CompiledBundle, ToolRule } from '../../compiled-bundle.ts';
import { withoutHandles } from '../../handles/used-handles.ts';
import type { Principal } from '../../input.ts';
import type { Event, SessionFacts } from '../check.ts';

const CALL = entityUid('Action', 'call');
const READ = entityUid('Action', 'read');
const LEVELS = ['public', 'internal', 'confidential', 'secret'] as const;

/** The entities that a bundle gives every request: its tools, each in its effect. */
export function toolEntities(ir: CompiledBundle): EntityStore {
  return entityStore(Object.entries(ir.tools).map(([name, rule]) => toolEntity(name, rule)));
}

function toolEntity(name: string, rule: ToolRule): EntityData {
  return {
    uid: entityUid('Tool', name),
    attributes: cedarRecord({ name, effect: rule.effect, once: rule.once }),
    parents: [entityUid('Effect', rule.effect)],
  };
}

type Named = Pick<Principal, 'id' | 'roles' | 'org' | 'tenant'>;

function principalUid(principal: Named): EntityUid {
  return entityUid('Agent', principal.id);
}

function principalParents(principal: Named): readonly EntityUid[] {
  const { roles, org, tenant } = principal;
  // A role given twice is one parent; Cedar's entities know each parent once.
  return [
    ...[...new Set(roles)].map((role) => entityUid('Role', role)),
    entityUid('Org', org),
    entityUid('Tenant', tenant),
  ];
}

/** As much of the request for a call as scopes look at; `rule` is undefined for a tool that no bundle names. */
export function callScope(
  store: EntityStore,
  principal: Named,
  tool: string,
  rule: ToolRule | undefined,
): CedarRequest {
  const resource = entityUid('Tool', tool);
  const added: EntityData[] = [{ uid: principalUid(principal), parents: principalParents(principal) }];
  if (rule !== undefined && store.get(resource.key) === undefined) added.push(toolEntity(tool, rule));
  return {
    principal: principalUid(principal),
    action: CALL,
    resource,
    context: EMPTY_RECORD,
    entities: withEntities(store, added),
  };
}

/** The Cedar request for an event; the vocabulary is docs/reference/bundle.md. */
export function cedarRequest(store: EntityStore, facts: SessionFacts, event: Event): CedarRequest {
  const { principal, action, attributes } = event.intent;
  const { roles, org, tenant } = principal;
  const added: EntityData[] = [
    {
      uid: principalUid(principal),
      attributes: cedarRecord({
        roles: cedarSet([...new Set(roles)]),
        org,
        tenant,
        attributes: cedarValueFromArguments(principal.attributes),
      }),
      parents: principalParents(principal),
    },
  ];
  const resource = entityUid(action.kind === 'call' ? 'Tool' : 'Document', action.target);
  if (action.kind === 'read') added.push({ uid: resource, attributes: cedarRecord({ uri: action.target }) });
  else if (event.tool !== undefined && store.get(resource.key) === undefined)
    added.push(toolEntity(action.target, event.tool));
  return {
    principal: principalUid(principal),
    action: action.kind === 'call' ? CALL : READ,
    resource,
    context: contextOf(facts, event, argumentsOf(event), attributes),
    entities: withEntities(store, added),
  };
}

/** What a handle stands for is no policy's to look at: it is there, and an error for whoever does. */
function argumentsOf({ intent: { action }, used }: Event): JsonValue {
  return used === undefined ? action.args : withoutHandles(action.args, used);
}

function contextOf(facts: SessionFacts, event: Event, args: JsonValue, attributes: JsonValue): CedarRecord {
  return cedarRecord({
    session: facts.session,
    tenant: facts.tenant,
    epoch: BigInt(facts.epoch),
    now: new CedarDatetime(BigInt(event.time)),
    args: cedarValueFromArguments(args),
    attributes: cedarValueFromArguments(attributes),
    label: labelRecord(facts.label),
  });
}

function labelRecord({ level, compartments, integrity }: Label): CedarRecord {
  return cedarRecord({
    level: BigInt(LEVELS.indexOf(level)),
    compartments: cedarSet([...compartments]),
    trusted: integrity === 'trusted',
  });
}
