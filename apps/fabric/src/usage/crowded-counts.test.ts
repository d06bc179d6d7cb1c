import { describe, expect, it } from 'vitest';
import { UsageCounts } from './usage-counts.ts';

const charge = (more: object = {}) => ({
  clause: 'c',
  unit: 'calls',
  key: 'tenant',
  amount: 1,
  window_ms: 1000,
  tolerance_ms: 0,
  ...more,
});

describe('counts', () => {
  it('a full table of one tenant does not refuse another, nor a count that is known', () => {
    const counts = new UsageCounts();
    counts.charge({
      tenant: 'b',
      certificate: 'x',
      attempt: 1,
      at: 1,
      charges: [charge({ window_ms: null })],
    });
    for (let index = 0; index < 99_999; index += 1)
      counts.charge({
        tenant: 'a',
        certificate: `x${index}`,
        attempt: 1,
        at: 1,
        charges: [charge({ key: `principal:${index}`, window_ms: null })],
      });
    expect(() =>
      counts.charge({
        tenant: 'b',
        certificate: 'y',
        attempt: 1,
        at: 2,
        charges: [charge({ window_ms: null })],
      }),
    ).not.toThrow();
  });
  it('an old attempt that leaves the window does not take a later one out of reach', () => {
    const counts = new UsageCounts();
    const charges = [charge()];
    counts.charge({ tenant: 'a', certificate: 'r', attempt: 1, at: 0, charges });
    counts.release({ tenant: 'a', certificate: 'r', attempt: 1, charges }); // refused, given back
    counts.charge({ tenant: 'a', certificate: 'r', attempt: 2, at: 1000, charges }); // asked again
    counts.charge({ tenant: 'a', certificate: 'other', attempt: 3, at: 1001, charges }); // the first leaves
    counts.release({ tenant: 'a', certificate: 'r', attempt: 2, charges }); // refused again
    expect(counts.charge({ tenant: 'a', certificate: 'z', attempt: 4, at: 1001, charges })).toEqual([1]);
  });
});
