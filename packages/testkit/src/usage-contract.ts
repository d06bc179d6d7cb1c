import type { Usage, UsageCharge } from '@provability-fabric/enforcement';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryUsage } from './memory-usage.ts';

/** One place that counts, under test. */
export interface UsageUnderTest {
  readonly usage: Usage;
  /** Opens another way into the same counts; where only one process may have them, the same again. */
  readonly another: () => Promise<Usage>;
  readonly close: () => Promise<void>;
}

const HOUR = 3_600_000;
const NOW = 1_800_000_000_000;

function chargeOf(part: Partial<UsageCharge> = {}): UsageCharge {
  return { clause: 'c', unit: 'calls', key: 'tenant', amount: 1, window_ms: HOUR, tolerance_ms: 0, ...part };
}

let tenants = 0;
let certificates = 0;

/** What every place that counts shared usage has to keep to, whatever it stores in. Tests have a tenant each. */
export function usageContract(name: string, open: () => Promise<UsageUnderTest>): void {
  describe(`the usage contract, kept by ${name}`, () => {
    let opened: UsageUnderTest;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());

    const newTenant = () => `tenant-${++tenants}`;
    const newCertificate = () => `certificate-${++certificates}`;
    const reserve = (
      tenant: string,
      charges: readonly UsageCharge[],
      at = NOW,
      certificateId = newCertificate(),
      usage = opened.usage,
    ) => usage.reserve({ tenant, certificateId, at, charges });
    const used = async (...asked: Parameters<typeof reserve>) => (await reserve(...asked)).used;

    it('lets no two of many that race take the last unit', async () => {
      const [tenant, max] = [newTenant(), 7];
      const other = await opened.another();
      const answers = await Promise.all(
        Array.from({ length: 50 }, async (_, at) => {
          const usage = at % 2 === 0 ? opened.usage : other;
          const reservation = await reserve(tenant, [chargeOf()], NOW, newCertificate(), usage);
          const allowed = (reservation.used[0] as number) + 1 <= max;
          if (!allowed) await reservation.release(['c']);
          return allowed;
        }),
      );
      // Those who came while others, refused, had not given back yet were refused too: never more than there is.
      expect(answers.filter(Boolean)).toHaveLength(max);
      expect(await used(tenant, [chargeOf()])).toEqual([max]);
    });

    it('charges a certificate once, however often it reserves, and by its last amount', async () => {
      const [tenant, certificate] = [newTenant(), newCertificate()];
      for (const amount of [5, 3, 4])
        expect(await used(tenant, [chargeOf({ amount })], NOW, certificate)).toEqual([0]);
      expect(await used(tenant, [chargeOf()])).toEqual([4]);
    });

    it('releases what one reservation holds, and nothing that a later one of its certificate does', async () => {
      const [tenant, certificate] = [newTenant(), newCertificate()];
      const first = await reserve(tenant, [chargeOf(), chargeOf({ clause: 'd' })], NOW, certificate);
      await reserve(tenant, [chargeOf({ amount: 9 }), chargeOf({ clause: 'd' })], NOW, certificate);
      await first.release(['c', 'd']);
      const mine = await reserve(tenant, [chargeOf(), chargeOf({ clause: 'd' })]);
      expect(mine.used).toEqual([9, 1]);
      await mine.release(['d']);
      await mine.release(['d']);
      expect(await used(tenant, [chargeOf(), chargeOf({ clause: 'd' })])).toEqual([10, 1]);
    });

    it('keeps tenants, clauses, units and keys apart, whatever is in their names', async () => {
      const tenant = newTenant();
      const charges = [
        chargeOf(),
        chargeOf({ clause: 'c"]' }),
        chargeOf({ unit: 'bytes', clause: 'b' }),
        chargeOf({ clause: 'k', key: `principal:'); drop table pf.usage_charges; --` }),
      ];
      expect(await used(tenant, charges)).toEqual([0, 0, 0, 0]);
      expect(await used(newTenant(), charges)).toEqual([0, 0, 0, 0]);
      const others = [chargeOf({ unit: 'bytes' }), chargeOf({ clause: 'k', key: 'principal:x' })];
      expect(await used(tenant, others)).toEqual([0, 0]);
      expect(await used(tenant, charges)).toEqual([1, 1, 1, 1]);
    });

    it('counts both edges of a window, and its tolerance', async () => {
      const tenant = newTenant();
      const charge = chargeOf({ window_ms: 1000, tolerance_ms: 50 });
      await reserve(tenant, [charge], NOW);
      const later = await reserve(tenant, [charge], NOW + 1050);
      expect(later.used).toEqual([1]);
      await later.release(['c']);
      expect(await used(tenant, [charge], NOW + 1051)).toEqual([0]);
    });

    it('takes a clock that jumped back for one that stood still', async () => {
      const tenant = newTenant();
      const charge = chargeOf({ window_ms: 1000 });
      await reserve(tenant, [charge], NOW + 5000);
      expect(await used(tenant, [charge], NOW)).toEqual([1]);
      expect(await used(tenant, [charge], NOW + 6000)).toEqual([2]);
      expect(await used(tenant, [charge], NOW + 6001)).toEqual([1]);
    });

    it('counts a budget for ever', async () => {
      const tenant = newTenant();
      const charge = chargeOf({ window_ms: null, amount: 2 });
      for (const years of [0, 10, 100])
        expect(await used(tenant, [charge], NOW + years * 31_536_000_000)).toEqual([
          years === 0 ? 0 : years === 10 ? 2 : 4,
        ]);
    });

    it('forgets nothing that a clause with another window still asks for', async () => {
      const tenant = newTenant();
      await reserve(tenant, [chargeOf({ window_ms: 10 * HOUR })], NOW);
      expect(await used(tenant, [chargeOf({ window_ms: 10 })], NOW + HOUR)).toEqual([0]);
      expect(await used(tenant, [chargeOf({ window_ms: 10 * HOUR })], NOW + 2 * HOUR)).toEqual([2]);
      expect(await used(tenant, [chargeOf({ window_ms: null })], NOW + 2 * HOUR)).toEqual([3]);
      expect(await used(tenant, [chargeOf({ window_ms: 10 })], NOW + 20 * HOUR)).toEqual([0]);
      expect(await used(tenant, [chargeOf({ window_ms: null })], NOW + 20 * HOUR)).toEqual([5]);
    });

    it('adds amounts up exactly, up to the largest', async () => {
      const tenant = newTenant();
      const half = chargeOf({ amount: 4_503_599_627_370_495 });
      await reserve(tenant, [half]);
      expect(await used(tenant, [half])).toEqual([4_503_599_627_370_495]);
      expect(await used(tenant, [chargeOf()])).toEqual([9_007_199_254_740_990]);
      // Beyond what any limit can be, it is only more than enough.
      await reserve(tenant, [half]);
      expect(((await used(tenant, [half])) as [number])[0]).toBeGreaterThanOrEqual(Number.MAX_SAFE_INTEGER);
    });

    it('answers as counting by hand does, whatever comes in whatever order', async () => {
      const step = fc.record({
        certificate: fc.nat(5),
        key: fc.constantFrom('tenant', 'tool:a'),
        window_ms: fc.constantFrom(null, 40, 100),
        amount: fc.integer({ min: 1, max: 9 }),
        jump: fc.integer({ min: -60, max: 60 }),
        releases: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
          const [model, tenant] = [new MemoryUsage(), newTenant()];
          let at = NOW;
          for (const { certificate, key, window_ms, amount, jump, releases } of steps) {
            at += jump;
            const charges = [chargeOf({ key, window_ms, amount }), chargeOf({ clause: 'd', key, amount })];
            const certificateId = `own-${certificate}`;
            const asked = { tenant, certificateId, at, charges };
            const [mine, expected] = [await opened.usage.reserve(asked), await model.reserve(asked)];
            expect(mine.used).toEqual(expected.used);
            if (!releases) continue;
            await mine.release(['c']);
            await expected.release(['c']);
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}
