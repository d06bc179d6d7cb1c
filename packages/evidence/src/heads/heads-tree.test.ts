import { asDigest } from '@provability-fabric/kernel';
import { headsRoot, type SessionEnd } from '@provability-fabric/statements';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crypto } from '../testing/log-fixture.ts';
import { HeadsTree } from './heads-tree.ts';

describe('a tree of heads', () => {
  it('has the root of its definition after any steps of any sessions, in any order', () => {
    const end = fc.record({
      tenant: fc.constantFrom('acme', 'globex'),
      session: fc.nat(400).map((number) => `s${number}`),
      seq: fc.nat(1000),
      digest: fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((bytes) => asDigest(Buffer.from(bytes).toString('hex'))),
    });
    const rounds = fc.array(fc.array(end, { maxLength: 300 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(rounds, (steps) => {
        const tree = new HeadsTree(crypto);
        const ends = new Map<string, SessionEnd>();
        for (const round of steps) {
          for (const next of round) {
            tree.set(next);
            ends.set(`${next.tenant}/${next.session}`, next);
          }
          expect(tree.root()).toBe(headsRoot(crypto, ends.values()));
          expect(tree.count).toBe(ends.size);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('keeps many sessions of one bucket apart', () => {
    const tree = new HeadsTree(crypto);
    const digest = asDigest('0'.repeat(64));
    const ends = Array.from({ length: 5_000 }, (_, i) => ({
      tenant: 'acme',
      session: `s${(i * 7919) % 5_000}`,
      seq: i,
      digest,
    }));
    for (const end of ends) tree.set(end);
    expect(tree.root()).toBe(headsRoot(crypto, ends));
    expect(tree.count).toBe(5_000);
  });
});
