import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cut, wrapped } from './wrapped.ts';

test('wrapped text loses nothing but spaces, and no line is wider than it may be', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{0,60}$/), { maxLength: 30 });
  fc.assert(
    fc.property(words, fc.integer({ min: 30, max: 100 }), (given, columns) => {
      const text = wrapped(given.join(' '), columns, '    ', '  ');
      expect(text.endsWith('\n')).toBe(true);
      for (const line of text.slice(0, -1).split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
      expect(text.replace(/\s/g, '')).toBe(given.join(''));
    }),
  );
});

test('cut text says that it was cut', () => {
  expect([cut('abc', 3), cut('abcd', 3), cut('abc', 0)]).toEqual(['abc', 'ab…', '…']);
});
