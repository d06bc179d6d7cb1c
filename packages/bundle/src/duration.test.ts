import { expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

it.each([
  ['0s', 0],
  ['90s', 90_000],
  ['1h', 3_600_000],
  ['1d2h3m4s5ms', 93_784_005],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '1', 'h', '1 h', '-1h', '1.5h', '1m1h', '1hour', `${'9'.repeat(30)}d`])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);
