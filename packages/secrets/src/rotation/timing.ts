import { Cron } from 'croner';
import { SecretError } from '../errors.ts';
import { checkClockTime, checkTimeZone, localDay, localInstant } from './local-time.ts';
import type { RotationTiming } from './ports.ts';

const MAX_EVERY_DAYS = 3_650;
const MAX_EXPRESSION = 128;
const NICKNAMES = ['@hourly', '@daily', '@weekly', '@monthly', '@yearly', '@annually'];
const STEP_OF_DAYS = /^(?:\*|1-31)\/(\d{1,4})$/;
const NUMBER = /^\d{1,2}$/;

export interface RequestedTiming {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cronSchedule?: string | undefined;
  readonly everyDays?: number | undefined;
  /** `HH:MM`; 02:00 unless told. */
  readonly at?: string | undefined;
  /** `UTC` unless told. */
  readonly timeZone?: string | undefined;
}

export interface ReadTiming {
  readonly timing: RotationTiming;
  /** That it was read otherwise than cron would, and how. */
  readonly warning: string | null;
}

/** Throws ROTATION_INVALID for what never comes, or what nobody can have meant. */
export function readTiming(requested: RequestedTiming): ReadTiming {
  const { cronSchedule, everyDays, at = '02:00', timeZone = 'UTC' } = requested;
  checkTimeZone(timeZone);
  if (cronSchedule !== undefined && everyDays !== undefined)
    throw invalid('either `cronSchedule` or `everyDays`, got both');
  if (everyDays !== undefined) return { timing: everyDaysAt(everyDays, at, timeZone), warning: null };
  if (cronSchedule === undefined) throw invalid('`cronSchedule` or `everyDays`, got neither');
  const expression = checkedExpression(cronSchedule);
  const days = daysMeantBy(expression, timeZone);
  if (days !== null) {
    const { everyDays: count, at: time } = days;
    const warning =
      `cron counts \`*/${count}\` anew in each month; it is read as every ${count} days at ${time} ${timeZone}, ` +
      'write `everyDays` to say so';
    return { timing: days, warning };
  }
  const timing: RotationTiming = { kind: 'cron', expression, timeZone };
  if (nextRun(timing, 0, 0) === null)
    throw invalid('a cron expression that comes to pass, got one that never does');
  return { timing, warning: null };
}

/** The first run after `after`; null where there is none. Days are counted from the day of the anchor. */
export function nextRun(timing: RotationTiming, anchorAt: number, after: number): number | null {
  if (timing.kind === 'cron')
    return cron(timing.expression, timing.timeZone).nextRun(new Date(after))?.getTime() ?? null;
  const { everyDays, at, timeZone } = timing;
  const firstDay = localDay(anchorAt, timeZone);
  const passed = Math.floor((localDay(after, timeZone) - firstDay) / everyDays);
  for (let run = Math.max(1, passed); ; run += 1) {
    const instant = localInstant(firstDay + run * everyDays, at, timeZone);
    if (instant > after) return instant;
  }
}

/** What is asked for again is not begun again: its days are counted from where they were. */
export function isSameTiming(a: RotationTiming, b: RotationTiming): boolean {
  if (a.timeZone !== b.timeZone) return false;
  if (a.kind === 'cron') return b.kind === 'cron' && a.expression === b.expression;
  return b.kind === 'every-days' && a.everyDays === b.everyDays && a.at === b.at;
}

function everyDaysAt(everyDays: number, at: string, timeZone: string) {
  if (!Number.isInteger(everyDays) || everyDays < 1 || everyDays > MAX_EVERY_DAYS)
    throw invalid(`1 to ${MAX_EVERY_DAYS} days from one rotation to the next`);
  checkClockTime(at);
  return { kind: 'every-days', everyDays, at, timeZone } as const;
}

// `0 2 */90 * *`: no month has 90 days. Cron libraries refuse it or fire on the 1st of every month; `*/2` to `*/31` fire
// twice within days where a month ends. Whoever writes it means every so many days.
function daysMeantBy(expression: string, timeZone: string) {
  const [minute = '', hour = '', day = '', month, weekday] = expression.split(' ');
  const step = Number(STEP_OF_DAYS.exec(day)?.[1] ?? 1);
  if (step === 1) return null;
  const atOneTime = NUMBER.test(minute) && NUMBER.test(hour) && Number(minute) < 60 && Number(hour) < 24;
  if (!atOneTime || month !== '*' || weekday !== '*')
    throw invalid(`every ${step} days at one time of day, in all months: write \`everyDays\` and \`at\``);
  return everyDaysAt(step, `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`, timeZone);
}

function checkedExpression(text: string): string {
  const expression = text.trim().replace(/\s+/g, ' ');
  const fields = expression.split(' ').length;
  if (expression.length > MAX_EXPRESSION || (fields !== 5 && !NICKNAMES.includes(expression)))
    throw invalid('a cron expression of five fields (minute, hour, day of month, month, day of week)');
  // Croner would read day-of-month steps beyond a month as an error of its own: that is said here, with the mend.
  if (fields === 5 && !STEP_OF_DAYS.test(expression.split(' ')[2] ?? '')) cron(expression, 'UTC');
  return expression;
}

function cron(expression: string, timezone: string): Cron {
  try {
    return new Cron(expression, { timezone, paused: true });
  } catch {
    throw invalid('a cron expression (minute, hour, day of month, month, day of week), got none');
  }
}

function invalid(expected: string): SecretError {
  return new SecretError('ROTATION_INVALID', `expected ${expected}`);
}
