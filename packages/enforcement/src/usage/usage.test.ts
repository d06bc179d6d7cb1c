import { type Clause, loadBundle } from '@provability-fabric/policy';
import { MemoryUsage } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { AGENT, ask, bundleOf, crypto, World } from '../enforcer.fixture.ts';
import type { Usage } from './ports.ts';

const ANY = { tools: null, effects: null, label: null, args: null, principal: null };
const COMMON = { severity: 'high', owner: 'o', expires: null, critical: false, description: '' } as const;

function limited(max: number, more: Partial<Extract<Clause, { kind: 'limit' }>> = {}, version = 1) {
  const { clauses } = bundleOf(version);
  const limit = { ...COMMON, mode: 'enforce', id: 'all-of-us', kind: 'limit', on: ANY, max } as const;
  const shared = { ...limit, window_ms: null, tolerance_ms: 0, per: 'tenant' as const, ...more };
  return bundleOf(version, { clauses: [...clauses.filter(({ id }) => id !== 'three'), shared] });
}

/** Counts, and can be out of reach. */
class WatchedUsage extends MemoryUsage {
  asked = 0;
  isGone = false;

  override reserve(request: Parameters<Usage['reserve']>[0]) {
    this.asked += 1;
    if (this.isGone) return Promise.reject(new Error('gone'));
    return super.reserve(request);
  }
}

const inSession = (session: string) => ask('look', { session, principal: { ...AGENT, id: session } });

describe('limits that sessions share', () => {
  it('let exactly as many of fifty sessions that race through as there are units', async () => {
    const [world, usage] = [new World(), new WatchedUsage()];
    const enforcer = await world.start(limited(7), { usage });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => enforcer.authorize(inSession(`s${index}`))),
    );
    expect(answers.filter(({ effect }) => effect === 'allow')).toHaveLength(7);
    const refusal = { code: 'BUDGET_EXCEEDED', clause: 'all-of-us' };
    for (const { effect, refusal: told } of answers) if (effect !== 'allow') expect(told).toEqual(refusal);
    // What was refused was given back.
    const wider = await world.start(limited(8), { usage });
    expect(await wider.authorize(inSession('late'))).toMatchObject({ effect: 'allow' });
  });

  it('refuse by name, and record nothing, while nobody can tell what others have taken', async () => {
    const [world, usage] = [new World(), new WatchedUsage()];
    const enforcer = await world.start(limited(1), { usage });
    usage.isGone = true;
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'USAGE_UNAVAILABLE' });
    expect(world.unavailable).toMatchObject([{ code: 'USAGE_UNAVAILABLE' }]);
    expect(await world.statements()).toEqual([]);
    usage.isGone = false;
    expect(await enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
    const without = await new World().start(limited(1));
    await expect(without.authorize(ask('look'))).rejects.toMatchObject({ code: 'USAGE_UNAVAILABLE' });
  });

  it('are charged once for a request that is repeated, and say so on its record', async () => {
    const [world, usage] = [new World(), new WatchedUsage()];
    const enforcer = await world.start(limited(2), { usage });
    const request = ask('look');
    const first = await enforcer.authorize(request);
    for (let times = 0; times < 3; times += 1) expect(await enforcer.authorize(request)).toEqual(first);
    expect(usage.asked).toBe(1);
    expect(await enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
    expect(await enforcer.authorize(ask('look'))).toMatchObject({ effect: 'block' });
  });

  it('are given back where the decision cannot be recorded', async () => {
    const [world, usage] = [new World(), new WatchedUsage()];
    const enforcer = await world.start(limited(1), { usage });
    world.journal.failure = new Error('no space left');
    await expect(enforcer.authorize(inSession('a'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    world.journal.failure = undefined;
    expect(await enforcer.authorize(inSession('b'))).toMatchObject({ effect: 'allow' });
  });

  it('keep their charge where a clause only watches, of the others', async () => {
    const [world, usage] = [new World(), new WatchedUsage()];
    const enforcer = await world.start(limited(1, { mode: 'monitor' }), { usage });
    for (const session of ['a', 'b', 'c'])
      expect(await enforcer.authorize(inSession(session))).toMatchObject({ effect: 'allow' });
    // Two of them were above it and moved nothing.
    const stricter = await world.start(limited(2), { usage });
    expect(await stricter.authorize(inSession('d'))).toMatchObject({ effect: 'allow' });
    expect(await stricter.authorize(inSession('e'))).toMatchObject({ effect: 'block' });
  });

  it('are asked of nobody under a bundle without them', async () => {
    const [world, usage] = [new World(), new WatchedUsage()];
    const enforcer = await world.start(bundleOf(1), { usage });
    await enforcer.authorize(ask('look'));
    expect(usage.asked).toBe(0);
  });

  it('come back after a restart from what is on record, under the same and under another bundle', async () => {
    const [world, usage] = [new World(), new WatchedUsage()];
    const first = await world.start(limited(2), { usage });
    await first.authorize(ask('look'));
    await first.close();
    const again = await world.start(limited(2), { usage });
    expect(await again.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
    expect(await again.authorize(ask('look'))).toMatchObject({ effect: 'block' });
    again.adopt(loadBundle(limited(3, {}, 2), crypto));
    expect(await again.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
    expect(await again.authorize(ask('look'))).toMatchObject({ effect: 'block' });
  });
});
