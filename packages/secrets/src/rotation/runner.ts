// Carries rotations from phase to phase: what came of one is durable before the next one acts.
import { secondsOf } from './duration.ts';
import { hasEnded } from './memory-rotation-store.ts';
import { pauseAfter, withinTime } from './pauses.ts';
import { codeOf, PHASES, type PhaseParts, placeOf, type Step } from './phases.ts';
import type { ClaimedRotation, Rotation, RotationChange } from './ports.ts';
import { problemOf } from './problem.ts';
import { recordEnd } from './record.ts';

/** Beyond it, what is in the future was written before the clock was set back. */
export const CLOCK_SLACK_MS = 300_000;

/** No repeat can help. */
const FINAL = new Set([
  'ROTATION_INVALID',
  'SECRET_CONFLICT',
  'SECRET_NOT_FOUND',
  'SECRET_VERSION_NOT_FOUND',
  'SECRET_DELETED',
  'SECRET_DESTROYED',
  'SECRET_NAME_INVALID',
  'SECRET_VALUE_INVALID',
  'PROVIDER_UNSUPPORTED',
]);

export interface RunnerParts extends PhaseParts {
  /** Called before a rotation is called failed; may be called again. */
  readonly failing: (rotation: Rotation) => Promise<void>;
  /** Whether to leave the next phase to somebody else. */
  readonly stopping: () => boolean;
}

/** The claim on a rotation: longer than any attempt, so that two processes never act on one at a time. */
export function leaseOf({ retries }: Pick<RunnerParts, 'retries'>): number {
  return 3 * retries.timeoutMs;
}

/** As far as it goes now; answers it as it then is. Throws what the store throws. */
export async function runRotation(
  { rotation: claimed, fence }: ClaimedRotation,
  parts: RunnerParts,
): Promise<Rotation> {
  const { store, clock, emit } = parts;
  let rotation = afterClock(claimed, clock.now());
  const write = async (step: Step, leaseMs: number) => {
    const change: RotationChange = { ...step, changedAt: clock.now() };
    const written = await store.advance(rotation.tenant, rotation.id, fence, change, leaseMs);
    if (written) rotation = { ...rotation, ...change };
    return written;
  };
  while (!hasEnded(rotation) && rotation.dueAt <= clock.now() && !parts.stopping()) {
    const before = rotation;
    if (!(await write(await nextStep(before, parts), leaseOf(parts)))) return rotation;
    tell(before, rotation, parts, emit);
  }
  // Others may have it before that: their fence is then the newer one.
  if (!hasEnded(rotation)) await write({ dueAt: rotation.dueAt }, 0);
  return rotation;
}

async function nextStep(rotation: Rotation, parts: RunnerParts): Promise<Step> {
  const { clock, retries, emit } = parts;
  if (hasEnded(rotation)) throw new RangeError('expected a rotation that has not ended');
  try {
    const phase = PHASES[rotation.phase as keyof typeof PHASES];
    const step = await withinTime(clock, retries.timeoutMs, (signal) => phase(rotation, parts, signal));
    if (step.phase === 'failed') await parts.failing(rotation);
    return { attempts: 0, ...step, ...(isEnd(step) ? { endedAt: clock.now() } : {}) };
  } catch (error) {
    emit({
      type: 'rotation-attempt-failed',
      rotationId: rotation.id,
      place: placeOf(rotation),
      phase: rotation.phase,
      attempt: rotation.attempts + 1,
      errorCode: codeOf(error),
      problem: problemOf(error),
    });
    return await afterFailure(rotation, codeOf(error), parts).catch(() =>
      laterOn(rotation, codeOf(error), parts),
    );
  }
}

/** Before the promotion it leads back; afterwards it is tried until it is done, or can be no more. */
async function afterFailure(rotation: Rotation, errorCode: string, parts: RunnerParts): Promise<Step> {
  const { clock, retries } = parts;
  const { phase, attempts } = rotation;
  const isFinal = FINAL.has(errorCode);
  if (phase === 'stage' || phase === 'set' || phase === 'test') {
    if (isFinal || attempts + 1 >= retries.attempts) return { phase: 'undo', attempts: 0, errorCode };
  } else if (phase === 'promote') {
    // Anything else may have been done without our hearing of it.
    if (isFinal) return { phase: 'undo', attempts: 0, errorCode };
  } else if (phase !== 'undo' && isFinal && errorCode !== 'ROTATION_INVALID') {
    await recordEnd(rotation, 'FAILURE', errorCode, parts);
    await parts.failing(rotation);
    return { phase: 'failed', errorCode, endedAt: clock.now() };
  }
  return laterOn(rotation, errorCode, parts);
}

function laterOn(
  { phase, attempts, errorCode: first }: Rotation,
  errorCode: string,
  parts: RunnerParts,
): Step {
  return {
    attempts: attempts + 1,
    dueAt: parts.clock.now() + pauseAfter(attempts, parts.retries, parts.random),
    // What made it lead back is what the rotation failed of.
    errorCode: phase === 'undo' ? first : errorCode,
  };
}

function tell(before: Rotation, after: Rotation, parts: RunnerParts, emit: RunnerParts['emit']): void {
  const of = { rotationId: after.id, place: placeOf(after) };
  if (before.phase === 'notify' && after.phase === 'grace')
    emit({ type: 'grace-period-started', ...of, version: after.version ?? 0, until: after.dueAt });
  if (after.phase === 'done')
    emit({ type: 'rotation-success', ...of, seconds: secondsOf(after, parts.clock.now()) });
  if (after.phase === 'failed') {
    const seconds = secondsOf(after, parts.clock.now());
    emit({ type: 'rotation-failure', ...of, seconds, errorCode: after.errorCode ?? 'ROTATION_FAILED' });
  }
}

function isEnd({ phase }: Step): boolean {
  return phase === 'done' || phase === 'failed';
}

/** A pause does not last until a clock that was set back is there again, and a grace only as long as it would from now. */
function afterClock(rotation: Rotation, now: number): Rotation {
  if (rotation.changedAt <= now + CLOCK_SLACK_MS || rotation.dueAt <= now) return rotation;
  return {
    ...rotation,
    dueAt: rotation.phase === 'grace' ? Math.min(rotation.dueAt, now + rotation.graceMs) : now,
  };
}
