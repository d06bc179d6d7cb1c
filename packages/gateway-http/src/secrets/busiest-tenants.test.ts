import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusiestTenants } from './busiest-tenants.ts';

describe('the busiest tenants', () => {
  it('have names up to the bound, whoever comes and however often', () => {
    const comings = fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 3000 });
    fc.assert(
      fc.property(comings, (sequence) => {
        const named = new Set<string>();
        const tenants = new BusiestTenants(5, (tenant) => named.delete(tenant));
        for (const number of sequence) {
          const label = tenants.count(`t${number}`);
          if (label !== 'other') named.add(label);
          expect(named.size).toBeLessThanOrEqual(5);
          expect([`t${number}`, 'other']).toContain(label);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('take the name of one that is not busy any more, which is told', () => {
    const left: string[] = [];
    const tenants = new BusiestTenants(2, (tenant) => left.push(tenant));
    expect(['a', 'b', 'b', 'c', 'c'].map((name) => tenants.count(name))).toEqual([
      'a',
      'b',
      'b',
      'other',
      'other',
    ]);
    expect([tenants.count('c'), left]).toEqual(['c', ['a']]);
    expect([tenants.labelOf('a'), tenants.labelOf('c')]).toEqual(['other', 'c']);
  });

  it('keep their names in a crowd of tenants that come once each', () => {
    const left: string[] = [];
    const tenants = new BusiestTenants(2, (tenant) => left.push(tenant));
    for (let round = 0; round < 5000; round++) {
      tenants.count('busy');
      tenants.count('brisk');
      expect(tenants.count(`passer-by-${round}`)).toBe('other');
    }
    expect(left).toEqual([]);
  });

  it('make room within a day of work when what was busy falls silent', () => {
    const tenants = new BusiestTenants(1, () => undefined);
    for (let round = 0; round < 90_000; round++) tenants.count('old');
    let rounds = 0;
    while (tenants.count('new') === 'other') rounds++;
    expect(rounds).toBeLessThan(120_000);
  });

  it('do not include one that calls itself `other`', () => {
    const tenants = new BusiestTenants(1, () => undefined);
    expect([tenants.count('other'), tenants.count('a')]).toEqual(['other', 'a']);
  });
});
