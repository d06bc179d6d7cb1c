import { loadBundle } from '@provability-fabric/policy';
import { describe, expect, it } from 'vitest';
import type { AuthorizeRequest } from './decide-request.ts';
import { AGENT, bundleOf, crypto, ME, World } from './enforcer.fixture.ts';

function call(requestId: string, target: string): AuthorizeRequest {
  return {
    principal: AGENT,
    capability: null,
    session: 's',
    requestId,
    action: { kind: 'call', target, args: {} },
    epoch: null,
    attributes: {},
  };
}

describe('another bundle while the fabric runs', () => {
  it('decides the next action, knows the history, and lets what is under way end', async () => {
    const world = new World();
    const enforcer = await world.start();
    const first = await enforcer.authorize(call('1', 'look'));
    const { clauses } = bundleOf(2);
    const once = clauses.map((clause) => (clause.kind === 'limit' ? { ...clause, max: 1 } : clause));
    enforcer.adopt(loadBundle(bundleOf(2, { clauses: once }), crypto));

    const second = await enforcer.authorize(call('2', 'look'));
    expect(second).toMatchObject({ effect: 'block', refusal: { code: 'LIMIT_EXCEEDED' } });
    await enforcer.settle(ME, 's', first.certificateId, 'done', { seen: true });
    expect(await enforcer.authorize(call('1', 'look'))).toMatchObject({ effect: 'allow' });
    await enforcer.close();
  });

  it('takes over between two of many requests, and loses none', async () => {
    const world = new World();
    const enforcer = await world.start();
    const free = bundleOf(1).clauses.filter(({ kind }) => kind !== 'limit');
    enforcer.adopt(loadBundle(bundleOf(2, { clauses: free }), crypto));
    const asked = Array.from({ length: 40 }, (_, number) => {
      if (number === 20) enforcer.adopt(loadBundle(bundleOf(3, { clauses: free }), crypto));
      return enforcer.authorize(call(`${number}`, 'look'));
    });
    const effects = (await Promise.all(asked)).map(({ effect }) => effect);
    expect(new Set(effects)).toEqual(new Set(['allow']));
    await enforcer.close();
  });
});
