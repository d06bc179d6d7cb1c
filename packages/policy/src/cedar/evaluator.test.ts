import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entityStore } from './entity-store.ts';
import { loadCedar } from './evaluator.ts';
import {
  CEDAR_IR_FORMAT,
  type CedarAction,
  type CedarEntityName,
  type CedarExpression,
  type CedarIr,
  type CedarPolicy,
} from './ir.ts';
import { EMPTY_RECORD, EntityUid, entityUid } from './values.ts';

const TRUE: CedarExpression = { op: 'boolean', value: true };
const ERROR: CedarExpression = { op: 'long', value: '1' };

function policy(id: string, parts: Partial<CedarPolicy> = {}): CedarPolicy {
  return {
    id,
    effect: 'permit',
    annotations: [],
    principal: { op: 'any' },
    action: { op: 'any' },
    resource: { op: 'any' },
    conditions: [],
    line: 1,
    column: 1,
    ...parts,
  };
}

function ir(policies: readonly CedarPolicy[], actions: readonly CedarAction[] = []): CedarIr {
  return { format: CEDAR_IR_FORMAT, policies, schema: { commonTypes: [], entityTypes: [], actions } };
}

const name = (type: string, id: string): CedarEntityName => ({ type, id });
const when = (body: CedarExpression): Partial<CedarPolicy> => ({ conditions: [{ kind: 'when', body }] });
const request = {
  principal: entityUid('User', 'ann'),
  action: entityUid('Action', 'call'),
  resource: entityUid('Tool', 'mail'),
  context: EMPTY_RECORD,
  entities: entityStore([]),
};

describe('a decision', () => {
  it('reports a forbid that could not be evaluated, so that the caller can refuse', () => {
    const evaluator = loadCedar(ir([policy('open'), policy('shut', { effect: 'forbid', ...when(ERROR) })]));
    const decision = evaluator.evaluate(request);
    expect(decision.decision).toBe('allow');
    expect(decision.errors.map(({ policy: id }) => [id, evaluator.effectOf(id)])).toEqual([
      ['shut', 'forbid'],
    ]);
  });

  it('reports no error of a policy whose scope does not match', () => {
    const elsewhere = policy('other', { principal: { op: 'is', type: 'Robot' }, ...when(ERROR) });
    expect(loadCedar(ir([elsewhere])).evaluate(request).errors).toEqual([]);
  });

  it('denies by default, and denies where one forbid meets any number of permits', () => {
    expect(loadCedar(ir([])).evaluate(request)).toMatchObject({ decision: 'deny', determining: [] });
    const both = loadCedar(ir([policy('a'), policy('b', { effect: 'forbid' }), policy('c')])).evaluate(
      request,
    );
    expect(both).toMatchObject({ decision: 'deny', determining: ['b'], permits: ['a', 'c'], forbids: ['b'] });
  });

  it('names policies in their order and each once, also one filed under several actions', () => {
    const groups = [name('Action', 'all'), name('Action', 'some'), name('Action', 'call')];
    const listed = policy('listed', { action: { op: 'in', entities: groups } });
    const actions = [{ op: 'call', parents: groups.slice(0, 2) }].map(({ op, parents }) => ({
      entity: name('Action', op),
      parents,
      principals: [],
      resources: [],
      context: { kind: 'record', attributes: [] } as const,
    }));
    const evaluator = loadCedar(ir([policy('a'), listed, policy('z')], actions));
    expect(evaluator.evaluate(request).determining).toEqual(['a', 'listed', 'z']);
  });

  it('takes action groups from the schema, not from the request', () => {
    const grouped = policy('grouped', { action: { op: 'in', entities: [name('Action', 'safe')] } });
    const declared = {
      entity: name('Action', 'call'),
      parents: [],
      principals: [],
      resources: [],
      context: { kind: 'record', attributes: [] } as const,
    };
    const forged = entityStore([{ uid: request.action, parents: [entityUid('Action', 'safe')] }]);
    expect(loadCedar(ir([grouped], [declared])).evaluate({ ...request, entities: forged }).decision).toBe(
      'deny',
    );
    expect(loadCedar(ir([grouped])).evaluate({ ...request, entities: forged }).decision).toBe('allow');
  });

  it('is not misled by ids that look like other entities', () => {
    const exact = policy('exact', { principal: { op: 'equals', entity: name('User', 'ann') } });
    for (const [type, id] of [
      ['User ann', ''],
      ['User', 'ann '],
      ['User::ann', 'ann'],
      ['4 User', 'ann'],
    ] as const) {
      const answer = loadCedar(ir([exact])).evaluate({ ...request, principal: entityUid(type, id) });
      expect(answer.decision).toBe('deny');
    }
  });
});

it('the scope index finds exactly what comparing every scope finds', () => {
  const types = ['A', 'B'];
  const uid = fc.record({ type: fc.constantFrom(...types), id: fc.constantFrom('0', '1', '2', '3', '4') });
  const scope = fc.oneof(
    fc.constant({ op: 'any' } as const),
    fc.record({ op: fc.constantFrom('equals' as const, 'in' as const), entity: uid }),
    fc.record({ op: fc.constant('is' as const), type: fc.constantFrom(...types) }),
    fc.record({ op: fc.constant('is in' as const), type: fc.constantFrom(...types), entity: uid }),
  );
  const actionScope = fc.oneof(
    fc.constant({ op: 'any' } as const),
    fc.record({ op: fc.constant('equals' as const), entity: uid }),
    fc.record({ op: fc.constant('in' as const), entities: fc.array(uid, { maxLength: 3 }) }),
  );
  const scopes = fc.array(fc.record({ principal: scope, action: actionScope, resource: scope }), {
    maxLength: 40,
  });
  // Parents only with a higher id: no cycles.
  const edges = fc.array(fc.tuple(uid, uid), { maxLength: 20 });
  const key = ({ type, id }: CedarEntityName): string => `${type} ${id}`;

  fc.assert(
    fc.property(scopes, edges, uid, uid, uid, (parts, links, principal, action, resource) => {
      const parents = new Map<string, CedarEntityName[]>();
      for (const [child, parent] of links) {
        if (child.id < parent.id) parents.set(key(child), [...(parents.get(key(child)) ?? []), parent]);
      }
      const isIn = (child: CedarEntityName, ancestor: CedarEntityName): boolean =>
        key(child) === key(ancestor) ||
        (parents.get(key(child)) ?? []).some((parent) => isIn(parent, ancestor));
      const entities = entityStore(
        types.flatMap((type) =>
          ['0', '1', '2', '3', '4'].map((id) => ({
            uid: entityUid(type, id),
            parents: (parents.get(key({ type, id })) ?? []).map((parent) =>
              entityUid(parent.type, parent.id),
            ),
          })),
        ),
      );
      const matches = (
        test: (typeof parts)[number]['principal' | 'action'],
        entity: CedarEntityName,
      ): boolean => {
        switch (test.op) {
          case 'any':
            return true;
          case 'equals':
            return key(test.entity) === key(entity);
          case 'in':
            return ('entities' in test ? test.entities : [test.entity]).some((above) => isIn(entity, above));
          case 'is':
            return entity.type === test.type;
          case 'is in':
            return entity.type === test.type && isIn(entity, test.entity);
        }
      };
      const expected = parts.flatMap((part, index) =>
        matches(part.principal, principal) && matches(part.action, action) && matches(part.resource, resource)
          ? [`p${index}`]
          : [],
      );
      const evaluator = loadCedar(ir(parts.map((part, index) => policy(`p${index}`, part))));
      const asked = {
        principal: new EntityUid(principal.type, principal.id),
        action: new EntityUid(action.type, action.id),
        resource: new EntityUid(resource.type, resource.id),
      };
      expect(evaluator.evaluate({ ...asked, context: EMPTY_RECORD, entities }).determining).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

describe('scopes alone', () => {
  const inScope = (policies: readonly CedarPolicy[], entities = request.entities) =>
    loadCedar(ir(policies)).inScope({ ...request, entities });

  it('leave conditions of permits open, and count only forbids that have none, or one that is always true', () => {
    expect(inScope([policy('a', when(ERROR)), policy('b', { effect: 'forbid', ...when(ERROR) })])).toEqual({
      permits: ['a'],
      forbids: [],
    });
    const forbids = [policy('c', { effect: 'forbid' }), policy('d', { effect: 'forbid', ...when(TRUE) })];
    expect(inScope(forbids)).toEqual({ permits: [], forbids: ['c', 'd'] });
  });

  it('do not reach beyond what the request is, and is in', () => {
    const bob = policy('other', { principal: { op: 'equals', entity: name('User', 'bob') } });
    expect(inScope([bob]).permits).toEqual([]);
    for (const axis of ['principal', 'resource'] as const) {
      const team = { op: 'in', entity: name('Team', 't') } as const;
      const scoped = [policy('a', { [axis]: team }), policy('b', { effect: 'forbid', [axis]: team })];
      expect(inScope(scoped)).toEqual({ permits: [], forbids: [] });
      const entities = entityStore([{ uid: request[axis], parents: [entityUid('Team', 't')] }]);
      expect(inScope(scoped, entities)).toEqual({ permits: ['a'], forbids: ['b'] });
    }
  });
});

it('an IR of another format, or with an id twice, is refused', () => {
  expect(() => loadCedar({ ...ir([]), format: 'other' as typeof CEDAR_IR_FORMAT })).toThrow(/format/);
  expect(() => loadCedar(ir([policy('a'), policy('a')]))).toThrow(/ids of their own/);
});
