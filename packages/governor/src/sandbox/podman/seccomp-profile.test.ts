import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lowWordIsNone } from './seccomp-profile.ts';

const word = fc.integer({ min: 0, max: 0xffffffff });

function holds(word64: bigint, mask: number, value: number): boolean {
  return (word64 & BigInt(mask)) === BigInt(value);
}

it('a word is let through unless its low half is forbidden, whatever its high half is', () => {
  const bits = fc.uniqueArray(fc.nat(31), { maxLength: 5 });
  const forbidden = fc.tuple(word, bits).map(([first, differing]) => {
    const second = differing.reduce((other, bit) => (other ^ (1 << bit)) >>> 0, first);
    return [...new Set([first, second])];
  });
  fc.assert(
    fc.property(forbidden, word, word, fc.nat(1), (words, high, other, index) => {
      const comparisons = lowWordIsNone(index, words);
      for (const low of [...words, other, ((words[0] ?? 0) ^ 1) >>> 0]) {
        const whole = (BigInt(high) << 32n) | BigInt(low);
        const passes = comparisons.some(({ value, valueTwo = -1 }) => holds(whole, value, valueTwo));
        expect(passes).toBe(!words.includes(low));
      }
    }),
    { numRuns: 200 },
  );
});
