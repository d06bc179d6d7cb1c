import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatByteSize, parseByteSize } from './byte-size.ts';
import { formatDuration, KEYS, nearest, parseDuration } from './index.ts';

const page = readFileSync(
  resolve(dirname(fileURLToPath(import.meta.url)), '../../../docs/reference/config.md'),
  'utf8',
);

test('the reference page lists every key as it is, and no other', () => {
  const rows = KEYS.map(
    ({ key, type, standard, range, effect }) =>
      `| \`${key}\` | ${type} | ${standard === null ? 'none' : `\`${standard}\``} | ${range} | ${effect} |`,
  );
  // Beyond that are environment variables and other files, which are not read here.
  const [ours = ''] = page.split('\n## Secrets\n');
  expect(ours.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows);
});

test('a duration reads back as it was written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e11 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms <= 999_999_999 || ms % 1000 === 0 ? ms : undefined);
    }),
  );
});

test.each(['', '5', 's', '-1s', '1.5h', '1 h', '1  h', '1h30m', '1H', '１s', '1constructor'])(
  '%j is a duration only with digits and a unit',
  (text) => expect(parseDuration(text)).toBe(text === '1 h' ? 3_600_000 : undefined),
);

test('a size reads back as it was written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), (bytes) => {
      expect(parseByteSize(formatByteSize(bytes))).toBe(bytes);
    }),
  );
  for (const text of ['', '4', '4mib', '4 M', '-1B', '1.5MB', '4  MiB', '4MiB ', '4constructor'])
    expect(parseByteSize(text), text).toBeUndefined();
  expect([parseByteSize('2KB'), parseByteSize('2 KiB')]).toEqual([2000, 2048]);
});

test('a near miss finds the name that was meant, and a far one finds none', () => {
  expect(nearest('enforcment_mode', ['log_level', 'enforcement_mode'])).toBe('enforcement_mode');
  expect(nearest('x', ['log_level', 'enforcement_mode'])).toBeUndefined();
  expect(nearest('a'.repeat(1_000_000), ['log_level'])).toBeUndefined();
});
