import type { RotationListener } from './events.ts';
import { pause, pauseAfter, type RetryRules } from './pauses.ts';
import type {
  Dependant,
  DependantNotifier,
  RandomFraction,
  Rotation,
  RotationClock,
  RotationStore,
} from './ports.ts';

const TRIES = 3;
const AT_ONCE = 8;

export interface Notifying {
  readonly store: Pick<RotationStore, 'dependants'>;
  readonly notifier: DependantNotifier;
  readonly clock: RotationClock;
  readonly random: RandomFraction;
  readonly retries: RetryRules;
  readonly emit: RotationListener;
}

/**
 * One that cannot be told does not hold up the others: it learns of the change when it next reads, and the old value is
 * valid until the grace is over. All together have half the time of the phase, which has to end itself.
 */
export async function notifyDependants(
  rotation: Rotation,
  notifying: Notifying,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...(await notifying.store.dependants(rotation))].filter(({ url }) => url !== undefined);
  const time = new AbortController();
  const end = () => time.abort();
  const cancel = notifying.clock.after(notifying.retries.timeoutMs / 2, end);
  signal.addEventListener('abort', end);
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      await notifyOne(next, rotation, notifying, time.signal);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  cancel();
}

async function notifyOne(
  dependant: Dependant,
  rotation: Rotation,
  { notifier, clock, random, retries, emit }: Notifying,
  signal: AbortSignal,
): Promise<void> {
  const told = {
    rotationId: rotation.id,
    place: { tenant: rotation.tenant, name: rotation.name },
    dependant,
  };
  for (let attempt = 0; attempt < TRIES && !signal.aborted; attempt += 1) {
    if (attempt > 0) await pause(clock, pauseAfter(attempt - 1, retries, random), signal);
    try {
      await unlessEnded(signal, notifier.tell(dependant, rotation, signal));
      emit({ type: 'dependant-told', ...told });
      return;
    } catch {
      // tried again, or said below
    }
  }
  emit({ type: 'dependant-not-told', ...told });
}

function unlessEnded<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined); // where the end was first, nobody waits for it
  return Promise.race([
    work,
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  ]);
}
