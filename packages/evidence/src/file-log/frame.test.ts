import { asDigest, utf8 } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Frame, frameBytes, readFrame, writeFrame } from './frame.ts';

const bytes = (max: number) => fc.uint8Array({ maxLength: max });
const id = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' });
const members = {
  firstIndex: fc.maxSafeNat(),
  tenant: id,
  session: id,
  takenOver: fc.constant(true as const),
  fence: fc.maxSafeNat(),
  entries: fc.array(
    fc.record({
      seq: fc.maxSafeNat(),
      digest: fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((digest) => asDigest(Buffer.from(digest).toString('hex'))),
      salt: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      envelope: bytes(300),
      sealedRecord: bytes(300),
    }),
    { minLength: 1, maxLength: 4 },
  ),
};
const frames: fc.Arbitrary<Frame> = fc.record(members, {
  requiredKeys: ['firstIndex', 'tenant', 'session', 'entries'],
});

const place = { segment: 2 ** 52 + 1, offset: 2 ** 40 };

function write(frame: Frame, groupStart = 16): Buffer {
  const target = Buffer.alloc(frameBytes(frame));
  expect(writeFrame(target, 0, frame, place, groupStart)).toBe(target.length);
  return target;
}

function plain(frame: Frame) {
  const entries = frame.entries.map(({ seq, digest, ...rest }) => ({
    seq,
    digest,
    bytes: [rest.salt, rest.envelope, rest.sealedRecord].map((part) => Buffer.from(part).toString('hex')),
  }));
  return { ...frame, entries };
}

describe('a frame', () => {
  it('is not a frame once any bit of it is flipped', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (frame, pick) => {
        const source = write(frame);
        const bit = pick % (source.length * 8);
        source[bit >> 3] = (source[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(readFrame(source, 0, place)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('is not a frame when cut short anywhere', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (frame, pick) => {
        const source = write(frame);
        expect(readFrame(source.subarray(0, pick % source.length), 0, place)).toBeUndefined();
      }),
    );
  });

  it('is not a frame at another offset or in another segment', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const source = write(frame);
        expect(readFrame(source, 0, { ...place, offset: place.offset + 1 })).toBeUndefined();
        expect(readFrame(source, 0, { ...place, segment: place.segment - 1 })).toBeUndefined();
      }),
    );
  });

  it('reads back as it was written, whatever follows it', () => {
    fc.assert(
      fc.property(frames, bytes(50), (frame, rest) => {
        const source = Buffer.concat([write(frame, 77), rest]);
        const read = readFrame(source, 0, place);
        expect(read && plain(read.frame)).toEqual(plain(frame));
        expect(read).toMatchObject({ groupStart: 77, end: source.length - rest.length });
      }),
    );
  });

  it('is never found in text', () => {
    expect(readFrame(Buffer.from(utf8('no frame here, only text of some length')), 0, place)).toBeUndefined();
  });
});
