import { daysInMonth, daysSinceEpoch } from '../time/calendar.ts';
import { isLong } from './values.ts';

const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})/;
const TIME = /^T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2}))$/;
const DURATION = /^(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/;

const SECOND = 1000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;

/** Cedar's `datetime`: milliseconds since 1970-01-01T00:00:00Z, without leap seconds, within 64 bits. */
export class CedarDatetime {
  readonly kind = 'datetime';

  constructor(readonly value: bigint) {}
}

/** Cedar's `duration`: milliseconds within 64 bits. */
export class CedarDuration {
  readonly kind = 'duration';

  constructor(readonly value: bigint) {}
}

/** `YYYY-MM-DD`, or with `Thh:mm:ss[.SSS](Z|±hhmm)`; the problem as a string otherwise. */
export function parseDatetime(text: string): CedarDatetime | string {
  const date = DATE.exec(text);
  if (!date) return 'expected a datetime that starts with `YYYY-MM-DD`';
  const [year, month, day] = [Number(date[1]), Number(date[2]), Number(date[3])];
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month))
    return 'expected a date that exists';
  const midnight = BigInt(daysSinceEpoch(year, month, day)) * DAY;
  const rest = text.slice(10);
  if (rest === '') return new CedarDatetime(midnight);
  const time = TIME.exec(rest);
  if (!time) return 'expected `Thh:mm:ss`, perhaps `.SSS`, then `Z` or an offset like `+0200`';
  const [, hours, minutes, seconds, millis = '0', sign, offsetHours = '0', offsetMinutes = '0'] = time;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59)
    return 'expected a time that exists';
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return 'expected an offset below 24 hours';
  const local =
    Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(millis);
  const offset = Number(offsetHours) * 3_600_000 + Number(offsetMinutes) * 60_000;
  return new CedarDatetime(midnight + BigInt(sign === '-' ? local + offset : local - offset));
}

/** A sequence like `-1d2h3m4s5ms`, units in this order, each at most once. */
export function parseDuration(text: string): CedarDuration | string {
  const match = DURATION.exec(text);
  if (!match || text === '' || text === '-') return 'expected a duration like `1d2h3m4s5ms`';
  let total = 0n;
  for (const [index, unit] of [DAY, HOUR, MINUTE, SECOND, 1n].entries()) {
    const digits = (match[index + 2] ?? '0').replace(/^0+(?=[0-9])/, '');
    // 64 bits have 19 digits: a longer count overflows whatever its unit.
    if (digits.length > 19) return 'expected a duration within 64 bits of milliseconds';
    total += BigInt(digits) * unit;
  }
  if (match[1] === '-') total = -total;
  return isLong(total) ? new CedarDuration(total) : 'expected a duration within 64 bits of milliseconds';
}

/** undefined: beyond 64 bits. */
export function offset(from: CedarDatetime, by: CedarDuration): CedarDatetime | undefined {
  const value = from.value + by.value;
  return isLong(value) ? new CedarDatetime(value) : undefined;
}

export function durationSince(to: CedarDatetime, from: CedarDatetime): CedarDuration | undefined {
  const value = to.value - from.value;
  return isLong(value) ? new CedarDuration(value) : undefined;
}

/** The midnight at or before it. */
export function toDate(datetime: CedarDatetime): CedarDatetime | undefined {
  const value = datetime.value - toTime(datetime).value;
  return isLong(value) ? new CedarDatetime(value) : undefined;
}

/** The time since that midnight, never negative. */
export function toTime(datetime: CedarDatetime): CedarDuration {
  return new CedarDuration(((datetime.value % DAY) + DAY) % DAY);
}

/** Whole units, rounded towards zero. */
export const DURATION_UNITS: ReadonlyMap<string, bigint> = new Map([
  ['toMilliseconds', 1n],
  ['toSeconds', SECOND],
  ['toMinutes', MINUTE],
  ['toHours', HOUR],
  ['toDays', DAY],
]);
