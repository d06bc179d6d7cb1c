import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInstant, parseInstant } from './instant.ts';

describe('an RFC 3339 time', () => {
  it.each([
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2016-12-31T23:59:60Z',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00+24:00',
    '1969-12-31T23:59:59Z',
    '',
  ])('%j is refused', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it('is read with its offset, and fractions below a millisecond are dropped', () => {
    expect(parseInstant('2026-01-01T01:30:00.1239+01:30')).toBe(Date.UTC(2026, 0, 1, 0, 0, 0, 123));
    expect(parseInstant('2024-02-29t23:59:59z')).toBe(Date.UTC(2024, 1, 29, 23, 59, 59));
  });

  it('agrees with the platform’s calendar over ten thousand years', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }), (ms) => {
        const text = new Date(ms).toISOString();
        expect(formatInstant(ms)).toBe(text);
        expect(parseInstant(text)).toBe(ms);
      }),
      { numRuns: 2000 },
    );
  });
});
