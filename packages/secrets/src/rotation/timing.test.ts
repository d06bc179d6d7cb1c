import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RotationPolicies } from './policies.ts';
import type { RotationTiming } from './ports.ts';
import { nextRun, type RequestedTiming, readTiming } from './timing.ts';
import { checkWindows, nextAllowed, planNext } from './windows.ts';

const DAY = 86_400_000;
const at = (text: string) => Date.parse(text);
const runsOf = (timing: RotationTiming, anchor: string, count: number) => {
  const runs: string[] = [];
  for (let time = at(anchor); runs.length < count; ) {
    time = nextRun(timing, at(anchor), time) ?? Number.NaN;
    runs.push(new Date(time).toISOString());
  }
  return runs;
};
const codeOf = (requested: RequestedTiming) => {
  try {
    readTiming(requested);
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('every so many days', () => {
  it.each(Object.values(RotationPolicies).map(({ intervalDays }) => intervalDays))(
    'is what `*/%i` in the day of the month means, and not the 1st of every month',
    (days) => {
      const { timing, warning } = readTiming({ cronSchedule: `0 2 */${days} * *` });
      expect(timing).toEqual({ kind: 'every-days', everyDays: days, at: '02:00', timeZone: 'UTC' });
      expect(warning).toContain(`every ${days} days at 02:00 UTC`);
      const [first = '', second = ''] = runsOf(timing, '2024-11-29T12:00:00Z', 2);
      expect(at(first)).toBe(at('2024-11-29T02:00:00Z') + days * DAY);
      expect(at(second) - at(first)).toBe(days * DAY);
    },
  );

  it('goes over months and leap days without counting anew', () => {
    const { timing } = readTiming({ everyDays: 90, at: '02:00' });
    expect(runsOf(timing, '2027-11-29T01:00:00Z', 4)).toEqual([
      '2028-02-27T02:00:00.000Z',
      '2028-05-27T02:00:00.000Z',
      '2028-08-25T02:00:00.000Z',
      '2028-11-23T02:00:00.000Z',
    ]);
  });

  it('keeps to the wall clock over changes of summer time, also at times that it leaves out', () => {
    const { timing } = readTiming({ everyDays: 7, at: '02:30', timeZone: 'Europe/Berlin' });
    expect(runsOf(timing, '2026-03-15T12:00:00Z', 3)).toEqual([
      '2026-03-22T01:30:00.000Z',
      '2026-03-29T01:30:00.000Z',
      '2026-04-05T00:30:00.000Z',
    ]);
    const inAutumn = runsOf(timing, '2026-10-18T12:00:00Z', 2);
    expect(inAutumn).toEqual(['2026-10-25T00:30:00.000Z', '2026-11-01T01:30:00.000Z']);
  });

  it('is always ahead, within that many days of now or the anchor, and on the grid of the anchor', () => {
    const moment = fc.integer({ min: at('1990-01-01'), max: at('2090-01-01') });
    fc.assert(
      fc.property(moment, moment, fc.integer({ min: 1, max: 400 }), (anchor, now, everyDays) => {
        const timing = { kind: 'every-days', everyDays, at: '02:00', timeZone: 'UTC' } as const;
        const next = nextRun(timing, anchor, now) ?? Number.NaN;
        expect(next).toBeGreaterThan(now);
        expect(next - Math.max(now, anchor)).toBeLessThanOrEqual((everyDays + 1) * DAY);
        expect((Math.floor(next / DAY) - Math.floor(anchor / DAY)) % everyDays).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});

describe('cron expressions', () => {
  it.each([
    '0 2 30 2 *',
    '0 2 31 4,6,9,11 *',
    '60 2 * * *',
    '0 24 * * *',
    '0 2 * * * *',
    '0 2 * *',
    '',
    'every day',
    '0 2 */0 * *',
    '0 2 */90 1-6 *',
    '*/5 2 */90 * *',
    '0 25 */90 * *',
    '0 2 */4000 * *',
    '0 2 1/90 * *',
    '@reboot',
    `0 2 ${'1,'.repeat(100)}1 * *`,
  ])('`%s` is refused by name', (cronSchedule) => {
    expect(codeOf({ cronSchedule })).toBe('ROTATION_INVALID');
  });

  it.each([
    { cronSchedule: '0 2 * * *', timeZone: 'Mars/Olympus' },
    { cronSchedule: '0 2 * * *', everyDays: 3 },
    {},
    { everyDays: 0 },
    { everyDays: 1.5 },
    { everyDays: 3, at: '2:00' },
    { everyDays: 3, at: '24:00' },
  ])('%o is refused by name', (requested) => {
    expect(codeOf(requested)).toBe('ROTATION_INVALID');
  });

  it('that cron reads as they are meant are left to it, without a warning', () => {
    const { timing, warning } = readTiming({ cronSchedule: '  30 3 * * 1 ', timeZone: 'Europe/Berlin' });
    expect(warning).toBeNull();
    expect(runsOf(timing, '2026-10-20T00:00:00Z', 2)).toEqual([
      '2026-10-26T02:30:00.000Z',
      '2026-11-02T02:30:00.000Z',
    ]);
    expect(codeOf({ cronSchedule: '0 2 29 2 *' })).toBe('none');
    expect(codeOf({ cronSchedule: '@weekly' })).toBe('none');
    expect(readTiming({ cronSchedule: '0 2 */1 * *' }).timing.kind).toBe('cron');
  });
});

describe('maintenance windows', () => {
  const nights = { days: [6, 0], from: '22:00', to: '04:00', timeZone: 'UTC' } as const;
  const daily = { kind: 'every-days', everyDays: 1, at: '12:00', timeZone: 'UTC' } as const;
  // 2026-11-22 is a Sunday.
  const schedule = { timing: daily, anchorAt: at('2026-11-16T00:00:00Z'), jitterMs: 0, windows: [nights] };

  it('put a run off until they open, also over midnight', () => {
    const next = planNext(schedule, at('2026-11-17T13:00:00Z'), () => 0);
    expect(new Date(next ?? 0).toISOString()).toBe('2026-11-21T22:00:00.000Z');
    const inside = { ...schedule, timing: { ...daily, at: '03:00' } };
    expect(new Date(planNext(inside, at('2026-11-22T02:00:00Z'), () => 0) ?? 0).toISOString()).toBe(
      '2026-11-22T03:00:00.000Z',
    );
  });

  it('put off what is due late as well', () => {
    expect(nextAllowed([nights], at('2026-11-23T12:00:00Z'))).toBe(at('2026-11-28T22:00:00Z'));
    expect(nextAllowed([nights], at('2026-11-23T03:59:00Z'))).toBe(at('2026-11-23T03:59:00Z'));
    expect(nextAllowed([], 5)).toBe(5);
  });

  it('hold every run, however long the jitter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: at('2026-01-01'), max: at('2027-01-01') }),
        fc.integer({ min: 0, max: 2 * DAY }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (now, jitterMs, random) => {
          const next = planNext({ ...schedule, jitterMs }, now, () => random) ?? Number.NaN;
          expect(next).toBeGreaterThan(now);
          expect(nextAllowed([nights], next)).toBe(next);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are refused where they never open', () => {
    expect(() => checkWindows([{ ...nights, to: '22:00' }])).toThrow(/two different times/);
    expect(() => checkWindows([{ ...nights, days: [] }])).toThrow(/days out of 0/);
    expect(() => checkWindows([{ ...nights, days: [7] }])).toThrow(/days out of 0/);
    expect(() => checkWindows(Array(9).fill(nights))).toThrow(/at most 8/);
  });
});
