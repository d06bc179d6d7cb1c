import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ages } from './ages.ts';

describe('ages', () => {
  it('are never told too small, whatever is forgotten, and far too large only of what is long past', () => {
    const step = fc.record({
      entries: fc.integer({ min: 1, max: 5 }),
      pause: fc.nat(30),
      shipped: fc.nat(6),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ages = new Ages();
        const durable: number[] = [];
        let [at, shipped] = [0, 0];
        for (const { entries, pause, shipped: more } of steps) {
          at += pause;
          ages.note(durable.length, at);
          durable.push(...Array<number>(entries).fill(at));
          shipped = Math.min(durable.length, shipped + more);
          ages.dropBefore(shipped);
          if (shipped === durable.length) continue;
          const known = ages.of(shipped) ?? Number.POSITIVE_INFINITY;
          expect(known).toBeLessThanOrEqual(durable[shipped] as number);
          expect(known).toBeGreaterThan((durable[shipped] as number) - 10);
        }
      }),
    );
  });

  it('of a ledger that is gone for long take bounded room, and stay on the safe side', () => {
    const ages = new Ages();
    for (let index = 0; index < 100_000; index++) ages.note(index, index * 10);
    for (const index of [0, 1, 777, 50_001, 99_999]) {
      const known = ages.of(index) ?? Number.POSITIVE_INFINITY;
      expect(known).toBeLessThanOrEqual(index * 10);
      expect(known).toBeGreaterThan(index * 10 - 2_000);
    }
  });
});
