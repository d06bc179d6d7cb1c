import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';
import { graceOf } from './grace.ts';
import type { RandomFraction, RotationClock, RotationSchedule, Rotator, RotatorOptions } from './ports.ts';
import type { ScheduleAnswer, ScheduleRequest } from './rotations.ts';
import { isSameTiming, nextRun, readTiming } from './timing.ts';
import { checkWindows, planNext } from './windows.ts';

const MAX_OPTIONS = 16;
const MAX_OPTION_LENGTH = 2_048;
const MAX_JITTER_MINUTES = 24 * 60;

export interface PlanningParts {
  readonly rotators: readonly Rotator[];
  readonly clock: RotationClock;
  readonly random: RandomFraction;
}

/** Throws ROTATION_INVALID. */
export function planSchedule(
  { tenant, name }: SecretPlace,
  createdBy: string,
  request: ScheduleRequest,
  known: RotationSchedule | null,
  { rotators, clock, random }: PlanningParts,
): ScheduleAnswer {
  const { policy, windows = [], rotator = 'random', options = {}, jitterMinutes = 0 } = request;
  checkRotator(rotator, options, rotators);
  checkWindows(windows);
  if (!(jitterMinutes >= 0 && jitterMinutes <= MAX_JITTER_MINUTES))
    throw new SecretError('ROTATION_INVALID', `expected a jitter of 0 to ${MAX_JITTER_MINUTES} minutes`);
  const everyDays =
    request.everyDays ?? (request.cronSchedule === undefined ? policy?.intervalDays : undefined);
  const { timing, warning } = readTiming({ ...request, everyDays });
  const graceMs = graceOf(request.gracePeriodHours ?? policy?.gracePeriodHours ?? 0);
  const now = clock.now();
  const same = known !== null && isSameTiming(known.timing, timing);
  const anchorAt = same ? known.anchorAt : now;
  requireRoomForGrace(timing, anchorAt, now, graceMs);
  const jitterMs = Math.round(jitterMinutes * 60_000);
  const unplanned = { timing, anchorAt, jitterMs, windows };
  const asBefore = same && known.nextAt !== null && sameWindows(known, unplanned);
  // What is due already stays due: an application that schedules at each start must not put it off for ever.
  const planned = asBefore ? known.nextAt : planNext(unplanned, now, random);
  const nextAt = policy?.enabled === false ? null : planned;
  const schedule = {
    ...unplanned,
    tenant,
    name,
    graceMs,
    rotator,
    options,
    createdBy,
    nextAt,
    plannedAt: asBefore ? known.plannedAt : now,
  };
  return { schedule, warning };
}

/** Throws ROTATION_INVALID. */
export function checkRotator(name: string, options: RotatorOptions, rotators: readonly Rotator[]): void {
  if (!rotators.some((rotator) => rotator.name === name)) {
    const known = rotators.map((rotator) => `\`${rotator.name}\``).join(', ');
    throw new SecretError('ROTATION_INVALID', `expected a rotator out of ${known}`);
  }
  const entries = Object.entries(options);
  const fits = entries.every(
    ([key, value]) =>
      /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(key) &&
      ['string', 'number', 'boolean'].includes(typeof value) &&
      `${value}`.length <= MAX_OPTION_LENGTH,
  );
  if (entries.length > MAX_OPTIONS || !fits)
    throw new SecretError(
      'ROTATION_INVALID',
      `expected at most ${MAX_OPTIONS} options: texts, numbers, true or false`,
    );
}

function requireRoomForGrace(
  timing: RotationSchedule['timing'],
  anchorAt: number,
  now: number,
  graceMs: number,
): void {
  let run = nextRun(timing, anchorAt, now);
  for (let count = 0; run !== null && count < 10; count += 1) {
    const next = nextRun(timing, anchorAt, run);
    if (next !== null && next - run <= graceMs)
      throw new SecretError(
        'ROTATION_INVALID',
        `expected runs further apart than the grace of \`${graceMs / 3_600_000}\` hours: one rotation ends before the next`,
      );
    run = next;
  }
}

function sameWindows(
  a: Pick<RotationSchedule, 'jitterMs' | 'windows'>,
  b: Pick<RotationSchedule, 'jitterMs' | 'windows'>,
): boolean {
  return a.jitterMs === b.jitterMs && JSON.stringify(a.windows) === JSON.stringify(b.windows);
}
