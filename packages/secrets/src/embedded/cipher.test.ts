import { createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Binding, open, seal } from './cipher.ts';

const key = createSecretKey(randomBytes(32));
const binding = fc.array(fc.oneof(fc.string(), fc.integer()), { minLength: 1, maxLength: 4 });

describe('a sealed text', () => {
  it('opens under its key and binding, and under no other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), binding, binding, (plain, here, elsewhere) => {
        const sealed = seal(key, here, plain, randomBytes);
        expect(Uint8Array.from(open(key, here, sealed))).toEqual(plain);
        expect(() => open(createSecretKey(randomBytes(32)), here, sealed)).toThrow();
        if (JSON.stringify(here) !== JSON.stringify(elsewhere))
          expect(() => open(key, elsewhere, sealed)).toThrow();
      }),
      { numRuns: 150 },
    );
  });

  it('takes no list of parts for another that reads the same when joined', () => {
    const lists: readonly Binding[] = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['a","bc'],
      ['a', 'b', 'c'],
      ['a,bc'],
      ['1', 1],
      [1, '1'],
    ];
    for (const here of lists) {
      const sealed = seal(key, here, Buffer.from('x'), randomBytes);
      for (const other of lists) if (other !== here) expect(() => open(key, other, sealed)).toThrow();
    }
  });

  it('is refused when cut anywhere', () => {
    const sealed = seal(key, ['value'], Buffer.from('text'), randomBytes);
    for (let length = 0; length < sealed.length; length++)
      expect(() => open(key, ['value'], sealed.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'PROVIDER_INCONSISTENT' }),
      );
  });

  it('has these bytes for ever', () => {
    const known = createSecretKey(Buffer.alloc(32, 7));
    const sealed = seal(
      known,
      ['value', 'acme', 'db/primary', 3, 'v1-abcdef'],
      Buffer.from('text'),
      (count) => Buffer.alloc(count, 9),
    );
    expect(Buffer.from(sealed).toString('hex')).toBe(
      '0109090909090909090909090953e0fce0b9f8f607b62ec043314342483ea43a5d',
    );
  });
});
