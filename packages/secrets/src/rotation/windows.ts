import { SecretError } from '../errors.ts';
import { checkClockTime, checkTimeZone, dayOfWeek, localDay, localInstant } from './local-time.ts';
import type { MaintenanceWindow, RandomFraction, RotationSchedule } from './ports.ts';
import { nextRun } from './timing.ts';

const MAX_WINDOWS = 8;
/** Two weeks and the day before: a window that opens once a week may fall into an hour that the clock leaves out. */
const DAYS_AROUND = 16;

interface Opening {
  readonly opens: number;
  readonly closes: number;
}

/** Throws ROTATION_INVALID. */
export function checkWindows(windows: readonly MaintenanceWindow[]): void {
  if (windows.length > MAX_WINDOWS)
    throw new SecretError('ROTATION_INVALID', `expected at most ${MAX_WINDOWS} maintenance windows`);
  for (const { days, from, to, timeZone } of windows) {
    checkTimeZone(timeZone);
    checkClockTime(from);
    checkClockTime(to);
    const fit = days?.every((day) => Number.isInteger(day) && day >= 0 && day <= 6) ?? true;
    if (!fit || days?.length === 0 || from === to)
      throw new SecretError(
        'ROTATION_INVALID',
        'expected a maintenance window with days out of 0 (Sunday) to 6 and two different times of day',
      );
  }
}

/** When the next rotation is to begin after `after`: put off by chance, and into a window. */
export function planNext(
  schedule: Pick<RotationSchedule, 'timing' | 'anchorAt' | 'jitterMs' | 'windows'>,
  after: number,
  random: RandomFraction,
): number | null {
  const run = nextRun(schedule.timing, schedule.anchorAt, after);
  if (run === null) return null;
  const delay = Math.floor(random() * schedule.jitterMs);
  if (schedule.windows.length === 0) return run + delay;
  const { opens, closes } = nextOpening(schedule.windows, run);
  const earliest = Math.max(opens, run);
  // A delay that would lead out of the window is shortened: all of those late ones must not begin at its end.
  const room = closes - earliest - 1;
  return earliest + (delay <= room ? delay : Math.floor(random() * room));
}

/** Whether a rotation that is due may begin now; otherwise when. */
export function nextAllowed(windows: readonly MaintenanceWindow[], now: number): number {
  if (windows.length === 0) return now;
  return Math.max(now, nextOpening(windows, now).opens);
}

/** The one that is open at that time, or else the next. */
function nextOpening(windows: readonly MaintenanceWindow[], at: number): Opening {
  const openings = windows
    .flatMap((window) => openingsAround(window, at))
    .filter(({ opens, closes }) => closes > opens && closes > at)
    .sort((a, b) => a.opens - b.opens);
  const [first] = openings;
  if (first === undefined) throw new RangeError('expected a window to open within a week');
  return first;
}

function openingsAround({ days, from, to, timeZone }: MaintenanceWindow, at: number): readonly Opening[] {
  const today = localDay(at, timeZone);
  return Array.from({ length: DAYS_AROUND }, (_, index) => today - 1 + index)
    .filter((day) => days === undefined || days.includes(dayOfWeek(day)))
    .map((day) => ({
      opens: localInstant(day, from, timeZone),
      closes: localInstant(to > from ? day : day + 1, to, timeZone),
    }));
}
