import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWithin, parseRange, parseTime } from './times.ts';

const NOW = Date.parse('2026-11-22T07:07:36.500Z');
const at = (text: string) => new Date(parseTime(text, NOW)).toISOString();
const seconds = fc.integer({ min: 0, max: 253_402_300_799 });

describe('what is no time is refused, not guessed', () => {
  test.each([
    '',
    ' ',
    'yesterday',
    '5',
    '1.5h',
    '-1h',
    '1h30m',
    '2 hours hence',
    'ago',
    '@',
    '@-1',
    '@1e9',
    '@999999999999',
    '2026-02-29',
    '2026-13-01',
    '2026-1-1',
    '20260101',
    '2026-01-01T24:00:00Z',
    '2026-01-01T23:59:60Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00Z junk',
    '1969-12-31T23:59:59Z',
    // Another weekday than that date's.
    'Mon Nov 22 07:07:36 UTC 2026',
    'Sun Nov 31 07:07:36 UTC 2026',
    'Sun Nov 22 13:07:36 PM UTC 2026',
    'Sun Nov 22 00:07:36 AM UTC 2026',
    // Which of the two Indian, Irish and Israeli times?
    'Sun Nov 22 07:07:36 IST 2026',
    'Sun Nov 22 07:07:36 constructor 2026',
    'So 22. Nov 07:07:36 CET 2026',
    '2026-01-01T00:00:00Z\u001b[2J',
    '１hour',
    `1${' '.repeat(1_000_000)}h`,
  ])('%j', (text) => {
    expect(() => parseTime(text, NOW)).toThrow(/^expected a time such as .*date -Iseconds/s);
  });

  test.each([
    [{ since: '1h/2h' }, 'expected a range that ends after it begins'],
    [{ since: '2h/1h/now' }, 'expected a time'],
    [{ since: '/1h' }, 'expected a time'],
    [{ since: '1h/' }, 'expected a time'],
    [{ since: '2h/1h', until: 'now' }, 'expected either --since A/B or --until, came both'],
    [{ since: 'now', until: '1h' }, 'expected a range that ends after it begins'],
  ])('%j', (range, said) => {
    expect(() => parseRange(range, NOW)).toThrow(said);
  });
});

test.each([
  ['now', '2026-11-22T07:07:36.500Z'],
  ['1hour', '2026-11-22T06:07:36.500Z'],
  ['2 hours ago', '2026-11-22T05:07:36.500Z'],
  ['7d', '2026-11-15T07:07:36.500Z'],
  ['90s ago', '2026-11-22T07:06:06.500Z'],
  ['999999999d', '1970-01-01T00:00:00.000Z'],
  ['2026-03-01', '2026-03-01T00:00:00.000Z'],
  ['2026-03-01T12:00Z', '2026-03-01T12:00:00.000Z'],
  ['2026-03-01t12:00:00.1234z', '2026-03-01T12:00:00.123Z'],
  ['2026-03-01 12:00:00+02:00', '2026-03-01T10:00:00.000Z'],
  ['@1772366400', '2026-03-01T12:00:00.000Z'],
  ['Sun Mar  1 12:00:00 UTC 2026', '2026-03-01T12:00:00.000Z'],
  ['Sun Mar  1 12:00:00 CET 2026', '2026-03-01T11:00:00.000Z'],
  ['Sun Mar  1 12:00:00 +0530 2026', '2026-03-01T06:30:00.000Z'],
  ['Sun Mar  1 12:00:00 -03 2026', '2026-03-01T15:00:00.000Z'],
  ['Sun Mar  1 12:00:00 AM PST 2026', '2026-03-01T08:00:00.000Z'],
  ['Sun  1 Mar 12:00:00 GMT 2026', '2026-03-01T12:00:00.000Z'],
  ['Sun 01 Mar 2026 12:00:00 PM UTC', '2026-03-01T12:00:00.000Z'],
  ['Sun, 01 Mar 2026 12:00:00 +0000', '2026-03-01T12:00:00.000Z'],
])('%s', (text, instant) => expect(at(text)).toBe(instant));

test('what this machine’s own date prints', () => {
  const forms = [[], ['-u'], ['-R'], ['-Iseconds'], ['--rfc-3339=seconds'], ['-Iminutes']];
  for (const form of forms) {
    for (const zone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata']) {
      const said = (...more: string[]) =>
        execFileSync('date', ['-d', '@1772366460', ...form, ...more], {
          encoding: 'utf8',
          env: { TZ: zone, LC_ALL: 'C' },
        }).trim();
      // Where no zones are installed `date` makes them up; India's name is three countries'.
      if (form.length === 0 && !['UTC', 'GMT', 'CET', 'EST'].some((name) => said().includes(` ${name} `)))
        continue;
      expect(at(said()), said()).toBe('2026-03-01T12:01:00.000Z');
    }
  }
});

test('every second reads back from each of the forms', () => {
  const two = (value: number) => String(value).padStart(2, '0');
  fc.assert(
    fc.property(seconds, fc.integer({ min: -14 * 60, max: 14 * 60 }), (second, offset) => {
      const date = new Date(second * 1000);
      const iso = date.toISOString();
      const [, weekday, day, month, year, clock] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(
        date.toUTCString(),
      ) as RegExpExecArray;
      const local = new Date((second + offset * 60) * 1000);
      const zone = `${offset < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
      const forms = [
        iso,
        iso.replace('T', ' '),
        `@${second}`,
        date.toUTCString(),
        `${weekday} ${month} ${Number(day)} ${clock} UTC ${year}`,
      ];
      if (second < 253_402_000_000 && second + offset * 60 >= 0)
        forms.push(local.toISOString().replace('Z', zone));
      if (second <= 99_999_999_999)
        for (const form of forms) expect(parseTime(form, NOW), form).toBe(second * 1000);
      else
        for (const form of forms.filter((one) => !one.startsWith('@')))
          expect(parseTime(form, NOW)).toBe(second * 1000);
    }),
  );
});

test('whatever is typed, it is a time or it is refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+:/@TZ0-9 adhmso]{0,30}$/)), (text) => {
      try {
        expect(Number.isSafeInteger(parseTime(text, NOW))).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ code: 'INPUT_INVALID' });
      }
    }),
  );
});

test('a range holds its beginning and not its end', () => {
  const range = parseRange({ since: '2 hours ago/1hour' }, NOW);
  expect(range).toEqual({ since: '2026-11-22T05:07:36.500Z', until: '2026-11-22T06:07:36.500Z' });
  expect(parseRange({ since: '2h', until: '1h' }, NOW)).toEqual(range);
  const within = (instant: string) => isWithin(range, instant);
  expect([range.since, '2026-11-22T05:59:59.999Z', range.until].map((one) => within(one as string))).toEqual([
    true,
    true,
    false,
  ]);
  expect(isWithin(parseRange({}, NOW), 'anything')).toBe(true);
  expect(parseRange({ until: 'now' }, NOW)).toEqual({ since: null, until: '2026-11-22T07:07:36.500Z' });
});
