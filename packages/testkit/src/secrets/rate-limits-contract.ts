import type { RateLimits } from '@provability-fabric/secrets';
import { afterEach, describe, expect, it } from 'vitest';

/**
 * What all accesses of a window together may be; a limiter that fills up steadily counts its burst as the
 * window's.
 */
export interface RateLimitsShape {
  readonly perPrincipal: number;
  readonly perTenant: number;
  readonly windowSeconds: number;
}

export interface RateLimitsUnderTest {
  readonly one: RateLimits;
  /** Another replica's; where each counts by itself, the same again. */
  readonly another: RateLimits;
  readonly close: () => Promise<void>;
}

let tenants = 0;

/** What every place that counts accesses has to keep to. Tests have a tenant each. */
export function describeRateLimitsContract(
  name: string,
  open: (shape: RateLimitsShape) => Promise<RateLimitsUnderTest>,
): void {
  describe(`the rate limits contract, kept by ${name}`, () => {
    let opened: RateLimitsUnderTest | undefined;
    afterEach(() => opened?.close());
    const start = async (shape: Partial<RateLimitsShape>) => {
      opened = await open({ perPrincipal: 1_000, perTenant: 1_000, windowSeconds: 60, ...shape });
      return opened;
    };
    const newTenant = () => `limits-${++tenants}`;
    const passing = async (takes: readonly Promise<{ readonly ok: boolean }>[]) =>
      (await Promise.all(takes)).filter(({ ok }) => ok).length;

    it('lets no more of those who race pass than one principal may, and tells the others when to come again', async () => {
      const { one, another } = await start({ perPrincipal: 5 });
      const tenant = newTenant();
      const decisions = await Promise.all(
        Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? one : another).take(tenant, 'agent')),
      );
      expect(decisions.filter(({ ok }) => ok)).toHaveLength(5);
      for (const decision of decisions)
        if (!decision.ok) {
          expect(decision.retryAfterMs).toBeGreaterThan(0);
          expect(decision.retryAfterMs).toBeLessThanOrEqual(60_000);
        }
    });

    it('lets no more pass than the tenant may, however many principals it has', async () => {
      const { one, another } = await start({ perPrincipal: 4, perTenant: 10 });
      const tenant = newTenant();
      const takes = Array.from({ length: 30 }, (_, at) =>
        (at % 2 === 0 ? one : another).take(tenant, `agent-${at}`),
      );
      expect(await passing(takes)).toBe(10);
    });

    it('does not let a principal who is over its limit use up what its tenant has', async () => {
      const { one } = await start({ perPrincipal: 2, perTenant: 5 });
      const tenant = newTenant();
      for (let at = 0; at < 20; at++) await one.take(tenant, 'greedy');
      expect(await passing(['a', 'b', 'c'].map((principal) => one.take(tenant, principal)))).toBe(3);
    });

    it('counts tenants and principals apart, whatever is in their names', async () => {
      const { one } = await start({ perPrincipal: 1 });
      const [tenant, hostile] = [newTenant(), 'x'.repeat(100_000)];
      const pairs: [string, string][] = [
        [tenant, 'b:c'],
        [`${tenant}:b`, 'c'],
        [tenant, `c","d`],
        [tenant, 'c'],
        [tenant, hostile],
        [tenant, `${hostile}y`],
        [tenant, '\0'],
        [tenant, ''],
      ];
      for (const expected of [pairs.length, 0])
        expect(await passing(pairs.map(([of, principal]) => one.take(of, principal)))).toBe(expected);
    });

    it('lets pass again when the time that it named is over', async () => {
      const { one } = await start({ perPrincipal: 1, windowSeconds: 1 });
      const tenant = newTenant();
      expect(await one.take(tenant, 'agent')).toEqual({ ok: true });
      const refused = await one.take(tenant, 'agent');
      await new Promise((resolve) => setTimeout(resolve, (refused.ok ? 0 : refused.retryAfterMs) + 50));
      expect(await one.take(tenant, 'agent')).toEqual({ ok: true });
    });
  });
}
