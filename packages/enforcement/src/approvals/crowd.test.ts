import { describe, expect, it } from 'vitest';
import { AGENT, ask, holding, World } from '../enforcer.fixture.ts';

describe('held lists', () => {
  it('one tenant cannot push out the tickets of another', async () => {
    const world = new World();
    const enforcer = await world.start(holding(1), { maxSessions: 100_000 });
    const ticket = (await enforcer.authorize(ask('send'))).refusal?.ticket as string;
    expect(enforcer.approvals.list('acme', 10)).toHaveLength(1);
    for (let index = 0; index < 10_000; index += 1)
      await enforcer.authorize(
        ask('send', { session: `f${index}`, principal: { ...AGENT, tenant: 'globex', org: 'globex' } }),
      );
    expect(enforcer.approvals.list('acme', 10)).toHaveLength(1);
    expect(await enforcer.approvals.show('acme', ticket)).toBeDefined();
  }, 100_000);
});
