import { Cron } from 'croner';
import { SecretError } from '../errors.ts';

const DAY_MS = 86_400_000;
const CLOCK_TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** Throws ROTATION_INVALID. */
export function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new SecretError(
      'ROTATION_INVALID',
      'expected the name of a time zone like `UTC` or `Europe/Berlin`, got something else',
    );
  }
}

/** Throws ROTATION_INVALID. */
export function checkClockTime(text: string): void {
  if (!CLOCK_TIME.test(text))
    throw new SecretError('ROTATION_INVALID', 'expected a time of day like `02:00`, got something else');
}

/** The number of the day that it is there, counted from 1970-01-01. */
export function localDay(at: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const [year = 1970, month = 1, day = 1] = [parts.get('year'), parts.get('month'), parts.get('day')];
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

/**
 * When it is that time there on that day, in ms since 1970: the first where the clock shows it twice, as long after
 * midnight as otherwise where it leaves it out.
 */
export function localInstant(day: number, time: string, timeZone: string): number {
  const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
  const once = new Cron(`${date}T${time}:00`, { timezone: timeZone, paused: true });
  const instant = once.nextRun(new Date(0))?.getTime();
  if (instant === undefined) throw new RangeError('expected a day after 1970-01-01');
  return instant;
}

/** 0 Sunday … 6 Saturday; 1970-01-01 was a Thursday. */
export function dayOfWeek(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}
