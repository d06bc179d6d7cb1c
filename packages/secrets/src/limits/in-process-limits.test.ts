import { describeRateLimitsContract } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { createInProcessLimits } from './in-process-limits.ts';

describeRateLimitsContract('the limits in process', async (shape) => {
  const limits = createInProcessLimits({ ...shape, clock: () => performance.now() });
  return { one: limits, another: limits, close: async () => undefined };
});

describe('limits in process', () => {
  it('fill up with time, and not by a clock that jumps back', async () => {
    let now = 0;
    const limits = createInProcessLimits({
      perPrincipal: 2,
      perTenant: 99,
      windowSeconds: 1,
      clock: () => now,
    });
    const take = async () => (await limits.take('acme', 'alice')).ok;
    expect([await take(), await take(), await take()]).toEqual([true, true, false]);
    expect(await limits.take('acme', 'alice')).toEqual({ ok: false, retryAfterMs: 500 });
    now += 500;
    expect([await take(), await take()]).toEqual([true, false]);
    now -= 1_000_000;
    expect(await take()).toBe(false);
  });

  it('are bounded in memory', async () => {
    const limits = createInProcessLimits({
      perPrincipal: 1,
      perTenant: 9,
      windowSeconds: 1,
      clock: () => 0,
      maxKnown: 4,
    });
    for (let at = 0; at < 100; at++) await limits.take(`tenant-${at}`, 'alice');
    expect((await limits.take('tenant-99', 'alice')).ok).toBe(false);
    expect((await limits.take('tenant-0', 'alice')).ok).toBe(true);
  });
});
