import { asDigest } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../node-crypto.ts';
import type { Frame } from './frame.ts';
import { SegmentIndex } from './segment-index.ts';
import { decodeSegmentIndex, encodeSegmentIndex } from './segment-index-codec.ts';

const crypto = nodeCrypto();
const SEGMENT = 2 ** 40;

const steps = fc.array(
  fc.record({
    session: fc.nat(4),
    count: fc.integer({ min: 1, max: 300 }),
    bytes: fc.integer({ min: 1, max: 2 ** 31 }),
    takenOver: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
);

function indexOf(history: typeof steps extends fc.Arbitrary<infer Steps> ? Steps : never): SegmentIndex {
  const index = new SegmentIndex(SEGMENT);
  const seqs = new Map<number, number>();
  const empty = new Uint8Array(0);
  for (const { session, count, bytes, takenOver } of history) {
    const first = (seqs.get(session) ?? session * 1_000_000) + (takenOver ? 5 : 0);
    seqs.set(session, first + count);
    const entries = Array.from({ length: count }, (_, i) => ({
      seq: first + i,
      digest: asDigest((first + i).toString(16).padStart(64, '0')),
      salt: empty,
      envelope: empty,
      sealedRecord: empty,
    }));
    const frame: Frame = { firstIndex: index.end, tenant: 'acme', session: `s${session}`, entries };
    index.add(takenOver ? { ...frame, takenOver } : frame, bytes);
  }
  return index;
}

describe('a stored index', () => {
  it('is none once any bit of it is flipped, it is cut off, or it is of another segment', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (history, pick) => {
        const stored = encodeSegmentIndex(crypto, { index: indexOf(history), lastChecksum: 7 });
        expect(decodeSegmentIndex(crypto, stored, SEGMENT + 1)).toBeUndefined();
        expect(decodeSegmentIndex(crypto, stored.subarray(0, pick % stored.length), SEGMENT)).toBeUndefined();
        const bit = pick % (stored.length * 8);
        stored[bit >> 3] = (stored[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(decodeSegmentIndex(crypto, stored, SEGMENT)).toBeUndefined();
      }),
    );
  });

  it('of whoever can hash is none where its lengths or counts do not fit', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(255), (history, pick, value) => {
        const stored = Buffer.from(encodeSegmentIndex(crypto, { index: indexOf(history), lastChecksum: 7 }));
        stored[40 + (pick % (stored.length - 40))] = value;
        stored.set(crypto.sha256(stored.subarray(40)), 8);
        const decoded = decodeSegmentIndex(crypto, stored, SEGMENT);
        // Whatever it says, it says it of frames and parts that fit together.
        for (const { tenant, session, firstSeq, lastSeq } of decoded?.index.parts ?? []) {
          const frames = decoded?.index.framesOf(tenant, session) ?? [];
          expect(frames[0]?.seq).toBe(firstSeq);
          expect(frames.reduce((sum, { count }) => sum + count, firstSeq)).toBe(lastSeq + 1);
        }
      }),
    );
  });

  it('says what was put in', () => {
    fc.assert(
      fc.property(steps, fc.nat(2 ** 32 - 1), fc.nat(), (history, lastChecksum, pick) => {
        const index = indexOf(history);
        const stored = encodeSegmentIndex(crypto, { index, lastChecksum });
        const decoded = decodeSegmentIndex(crypto, stored, SEGMENT);
        if (decoded === undefined) throw new Error('not decoded');
        expect(decoded.lastChecksum).toBe(lastChecksum);
        expect([decoded.index.entries, decoded.index.size, decoded.index.lastOffset]).toEqual([
          index.entries,
          index.size,
          index.lastOffset,
        ]);
        expect(decoded.index.parts).toEqual(index.parts);
        for (const { tenant, session } of index.parts) {
          expect(decoded.index.framesOf(tenant, session)).toEqual(index.framesOf(tenant, session));
        }
        const wanted = SEGMENT + (pick % index.entries);
        expect(decoded.index.offsetOf(wanted)).toBe(index.offsetOf(wanted));
      }),
    );
  });
});
