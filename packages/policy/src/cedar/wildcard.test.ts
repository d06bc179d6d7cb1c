import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matchesWildcard } from './wildcard.ts';

it('a pattern of a thousand wildcards against a text made for it stays fast', () => {
  const text = `${'a'.repeat(200_000)}b`;
  const pattern = [...Array.from({ length: 1000 }, () => 'a'), 'c'];
  const start = performance.now();
  expect(matchesWildcard(text, ['', ...pattern])).toBe(false);
  expect(matchesWildcard(text, ['', ...Array.from({ length: 1000 }, () => 'aa'), 'b'])).toBe(true);
  expect(performance.now() - start).toBeLessThan(10_000);
});

it('the parts may not overlap at the ends', () => {
  expect(matchesWildcard('aba', ['ab', 'ba'])).toBe(false);
  expect(matchesWildcard('abba', ['ab', 'ba'])).toBe(true);
  expect(matchesWildcard('', [''])).toBe(true);
  expect(matchesWildcard('a', [''])).toBe(false);
  expect(matchesWildcard('', ['', ''])).toBe(true);
});

it('says what the definition says', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
  const pattern = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(letters, pattern, (text, parts) => {
      expect(matchesWildcard(text, parts)).toBe(new RegExp(`^${parts.join('.*')}$`).test(text));
    }),
    { numRuns: 2000 },
  );
});
