import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CertificateIndex } from './certificate-index.ts';

const digest = (text: string) => createHash('sha256').update(text).digest('hex');

describe('a certificate index', () => {
  it('takes what is no digest, of whatever length, for one that is not there', () => {
    const index = new CertificateIndex();
    index.add(digest('a'));
    for (const hostile of ['', 'zzzz', '__proto__', '0'.repeat(64), 'é'.repeat(10_000)])
      expect(index.mayHave(hostile)).toBe(false);
  });

  it('has every certificate that was added, and as good as no other, however many there are', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.string(), (count, seed) => {
        const index = new CertificateIndex();
        for (let i = 0; i < count; i += 1) index.add(digest(`${seed}${i}`));
        for (let i = 0; i < count; i += 1) {
          expect(index.mayHave(digest(`${seed}${i}`))).toBe(true);
          expect(index.mayHave(digest(`other ${seed}${i}`))).toBe(false);
        }
      }),
      { numRuns: 30 },
    );
  });
});
