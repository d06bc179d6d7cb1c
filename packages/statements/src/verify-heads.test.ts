import { createHash } from 'node:crypto';
import { asDigest, type Crypto, hex, treeRoot } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketOf,
  HEAD_BUCKETS,
  headsRoot,
  type SessionEnd,
  sessionLeaf,
  sessionName,
} from './heads-root.ts';
import type { HeadStatement } from './ledger-statement.ts';
import { verifyHeads } from './verify-heads.ts';

const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => false,
};

const end = fc.record({
  tenant: fc.constantFrom('acme', 'globex'),
  session: fc.string({ minLength: 1, maxLength: 4 }),
  seq: fc.nat(50),
  digest: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => asDigest(Buffer.from(bytes).toString('hex'))),
});
const someEnds = fc.uniqueArray(end, {
  minLength: 1,
  maxLength: 20,
  selector: ({ tenant, session }) => `${tenant}/${session}`,
});

function headOver(
  ends: readonly SessionEnd[],
  logSize = 100,
  at = '2026-01-01T00:00:00.000Z',
): HeadStatement {
  const root = headsRoot(crypto, ends);
  return { type: 'head', writer: 'w', count: ends.length, root, log_size: logSize, at };
}

describe('a head', () => {
  it('shows any dropped tail, any missing session and any that was added', () => {
    fc.assert(
      fc.property(someEnds, fc.nat(), end, (ends, pick, stranger) => {
        const at = pick % ends.length;
        const shorter = ends.map((e, i) => (i === at ? { ...e, seq: e.seq - 1 } : e));
        const other = ends.map((e, i) => (i === at ? { ...e, digest: asDigest('0'.repeat(64)) } : e));
        const swapped = ends.map((e, i) => (i === at ? { ...e, session: 'longer than any' } : e));
        const check = (found: readonly SessionEnd[]) => verifyHeads(crypto, [headOver(ends)], () => found);
        expect(check(ends)).toEqual([]);
        expect(check([...ends].reverse())).toEqual([]);
        for (const changed of [shorter, other, swapped])
          expect(check(changed)).toEqual([{ head: 0, code: 'TAIL_CHANGED' }]);
        expect(check(ends.toSpliced(at, 1))).toEqual([
          { head: 0, code: 'SESSIONS_MISSING', expected: ends.length, got: ends.length - 1 },
        ]);
        const more = [...ends, { ...stranger, session: 'longer than any' }];
        expect(check(more)).toEqual([
          { head: 0, code: 'SESSIONS_ADDED', expected: ends.length, got: ends.length + 1 },
        ]);
      }),
      { numRuns: 40 },
    );
  });

  it('over nothing and over much has the root of its definition', () => {
    const hashes = (ends: readonly SessionEnd[]) =>
      Array.from({ length: HEAD_BUCKETS }, (_, bucket) => {
        const inBucket = ends
          .map((e) => ({ name: sessionName(crypto, e), leaf: sessionLeaf(crypto, e) }))
          .filter(({ name }) => bucketOf(name) === bucket)
          .sort((a, b) => Buffer.compare(a.name, b.name));
        return treeRoot(
          crypto,
          inBucket.map(({ leaf }) => leaf),
        );
      });
    for (const ends of [[], fc.sample(someEnds, 1)[0] ?? []]) {
      expect(headsRoot(crypto, ends)).toBe(hex(treeRoot(crypto, hashes(ends))));
    }
  });

  it('that says less than an earlier one, or comes from another log, is named', () => {
    const ends = (count: number): SessionEnd[] =>
      Array.from({ length: count }, (_, i) => ({
        tenant: 'acme',
        session: `s${i}`,
        seq: 1,
        digest: asDigest('ab'.repeat(32)),
      }));
    const first = headOver(ends(3), 30, '2026-01-01T00:00:10.000Z');
    const cases: [HeadStatement, object[]][] = [
      [headOver(ends(3), 30, '2026-01-01T00:05:10.000Z'), []],
      [
        headOver(ends(2), 30, first.at),
        [
          { head: 1, code: 'WENT_BACK', member: 'count', before: '3', got: '2' },
          { head: 1, code: 'CHANGED_WITHOUT_GROWING' },
        ],
      ],
      [
        headOver(ends(3), 29, first.at),
        [{ head: 1, code: 'WENT_BACK', member: 'log_size', before: '30', got: '29' }],
      ],
      [
        headOver(ends(4), 31, '2026-01-01T00:00:09.999Z'),
        [{ head: 1, code: 'WENT_BACK', member: 'at', before: first.at, got: '2026-01-01T00:00:09.999Z' }],
      ],
      [
        { ...headOver(ends(3), 30), writer: 'x' },
        [{ head: 1, code: 'OTHER_WRITER', expected: 'w', got: 'x' }],
      ],
    ];
    for (const [second, problems] of cases) {
      expect(verifyHeads(crypto, [first, second], () => undefined)).toEqual(problems);
    }
  });
});
