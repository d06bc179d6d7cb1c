import { expect, it } from 'vitest';
import { SessionDecider } from './session-decider.ts';

const AGENT = {
  principal: { id: 'a', roles: [], org: 'acme', tenant: 'acme', attributes: {} },
  capability: null,
  session: null,
  epoch: null,
};
it('what a server says when a result that turned out hidden is fetched again is not shown', async () => {
  const enforcer = {
    // Decided under a bundle without handles; settled under one with them.
    authorize: async () =>
      ({ certificateId: 'c', effect: 'allow', verdict: 'accept', refusal: null, session: 's' }) as const,
    settle: async () => ({ instead: 'pfh1_x' }),
    mayEverCall: () => true,
    hiding: () => ({ extraction: null }),
  };
  const one = new SessionDecider(enforcer, () => AGENT);
  await one.decide({ requestId: '1', action: 'call', target: 't', value: {} });
  expect(await one.settle('c', { outcome: 'ambiguous', result: { code: 1, message: 'secret 1' } })).toEqual({
    instead: 'pfh1_x',
  });
  expect(
    await one.settle('c', { outcome: 'ambiguous', result: { code: 1, message: 'secret 2' } }),
  ).toHaveProperty('instead');
});
