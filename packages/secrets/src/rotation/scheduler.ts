// Begins what is due and carries on what is under way, beat by beat. All of its memory is the store: any replica does.
import type { AuditTrail } from '../audit.ts';
import type { SecretPlace } from '../names.ts';
import { type RotationEvent, type RotationListener, tellAll } from './events.ts';
import { hasEnded } from './memory-rotation-store.ts';
import { type RetryRules, USUAL_RETRIES } from './pauses.ts';
import { codeOf, placeOf } from './phases.ts';
import type {
  ClaimedRotation,
  DependantNotifier,
  RandomFraction,
  RotatingProvider,
  Rotation,
  RotationClock,
  RotationSchedule,
  RotationStore,
  Rotator,
} from './ports.ts';
import { AUTHOR } from './record.ts';
import { CLOCK_SLACK_MS, leaseOf, type RunnerParts, runRotation } from './runner.ts';
import { nextAllowed, planNext } from './windows.ts';

export interface SchedulerOptions {
  readonly provider: RotatingProvider;
  readonly store: RotationStore;
  readonly audit: AuditTrail;
  readonly rotators: readonly Rotator[];
  readonly notifier: DependantNotifier;
  readonly clock: RotationClock;
  readonly random: RandomFraction;
  /** UUIDs. */
  readonly newId: () => string;
  readonly retries?: Partial<RetryRules>;
  /** 1,000 unless told. */
  readonly beatMs?: number;
  /** How many rotations this process carries on at a time; 16 unless told. */
  readonly concurrency?: number;
  /** When a schedule whose rotation failed is tried again, if it is not due before; an hour unless told. */
  readonly retryFailedMs?: number;
}

export interface NewRotation {
  readonly place: SecretPlace;
  readonly rotator: string;
  readonly options: Rotation['options'];
  readonly graceMs: number;
  readonly cause: Rotation['cause'];
  readonly by: string;
}

export interface Scheduler {
  start(): void;
  /** Resolves once nothing is being done any more; what is under way is carried on by whoever starts next. */
  stop(): Promise<void>;
  /** Puts it in the store; null where the secret has one under way. */
  begin(rotation: NewRotation): Promise<Rotation | null>;
  /** Carries it on at once, as far as it goes now, also where nothing is started. */
  carryOn(rotation: Rotation): Promise<void>;
  on(listener: RotationListener): () => void;
  emit(event: RotationEvent): void;
}

const DUE_AT_ONCE = 64;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { store, clock, random, newId } = options;
  const { beatMs = 1_000, concurrency = 16, retryFailedMs = 3_600_000 } = options;
  const listeners = new Set<RotationListener>();
  const emit = tellAll(listeners);
  const parts: RunnerParts = {
    ...options,
    retries: { ...USUAL_RETRIES, ...options.retries },
    emit,
    failing: tryScheduleSooner,
    stopping: () => stopping,
  };
  const running = new Set<Promise<unknown>>();
  /** Of those, what was claimed beat by beat: what callers wait for does not take its place. */
  let carried = 0;
  let started = false;
  let stopping = false;
  let beating: Promise<void> | null = null;
  let again = false;
  let cancel: () => void = () => undefined;
  let told = -1;

  function track<T>(work: Promise<T>): Promise<T> {
    const settled = work.catch(() => undefined).finally(() => running.delete(settled));
    running.add(settled);
    return work;
  }

  async function begin(wanted: NewRotation, move?: { schedule: RotationSchedule; to: number | null }) {
    const now = clock.now();
    const { place, ...rest } = wanted;
    const rotation: Rotation = {
      ...rest,
      id: newId(),
      tenant: place.tenant,
      name: place.name,
      phase: 'stage',
      attempts: 0,
      dueAt: now,
      previousVersion: null,
      version: null,
      errorCode: null,
      startedAt: now,
      promotedAt: null,
      endedAt: null,
      changedAt: now,
    };
    const from = move?.schedule.nextAt ?? null;
    const answer = await store.begin(
      rotation,
      move === undefined || from === null ? undefined : { from, to: move.to, plannedAt: now },
    );
    if (answer === 'begun')
      emit({ type: 'rotation-started', rotationId: rotation.id, place, cause: rotation.cause });
    return { answer, rotation };
  }

  async function beginDue(): Promise<void> {
    const now = clock.now();
    const due = await store.dueSchedules(now, now + CLOCK_SLACK_MS, DUE_AT_ONCE);
    // One that cannot be begun holds up no other, and no rotation that is under way.
    for (const schedule of due) await beginScheduled(schedule, now).catch(sayError);
  }

  async function beginScheduled(schedule: RotationSchedule, now: number): Promise<void> {
    const place: SecretPlace = { tenant: schedule.tenant, name: schedule.name };
    const { nextAt: from } = schedule;
    if (from === null) return;
    const move = (to: number | null) => store.moveSchedule(place, { from, to, plannedAt: now });
    const next = planNext(schedule, now, random);
    // Planned by a clock that has been set back since, or due while its window is shut.
    if (from > now) return void (await move(next));
    const allowed = nextAllowed(schedule.windows, now);
    if (allowed > now) return void (await move(allowed));
    const [open] = await store.rotations(place.tenant, { name: place.name, open: true, limit: 1 });
    if (open !== undefined) {
      if (await move(next)) emit({ type: 'rotation-skipped', place, nextAt: next });
      return;
    }
    const { rotator, options: rotatorOptions, graceMs } = schedule;
    await begin(
      { place, rotator, options: rotatorOptions, graceMs, cause: 'schedule', by: AUTHOR },
      { schedule, to: next },
    );
  }

  /** A failed rotation is not left to the next run, which may be months away. */
  async function tryScheduleSooner(rotation: Rotation): Promise<void> {
    if (rotation.cause !== 'schedule') return;
    const schedule = await store.schedule(placeOf(rotation));
    const now = clock.now();
    if (schedule?.nextAt == null || schedule.nextAt <= now + retryFailedMs) return;
    const to = nextAllowed(schedule.windows, now + retryFailedMs);
    await store.moveSchedule(schedule, { from: schedule.nextAt, to, plannedAt: now });
  }

  async function carryOnDue(): Promise<void> {
    const limit = concurrency - carried;
    if (limit <= 0) return;
    const now = clock.now();
    const claimed = await store.claim({
      now,
      changedAfter: now + CLOCK_SLACK_MS,
      leaseMs: leaseOf(parts),
      limit,
    });
    for (const each of claimed) {
      carried += 1;
      void run(each).finally(() => {
        carried -= 1;
      });
    }
    // There may be more than fit.
    if (claimed.length === limit) again = true;
  }

  function run(claimed: ClaimedRotation): Promise<void> {
    const work = runRotation(claimed, parts).then(wakeFor, sayError);
    return track(work);
  }

  function wakeFor(rotation: Rotation): void {
    if (!started) return;
    if (again) beat();
    const wait = rotation.dueAt - clock.now();
    if (!hasEnded(rotation) && wait < beatMs) clock.after(Math.max(0, wait), beat);
  }

  function sayError(error: unknown): void {
    emit({ type: 'scheduler-error', errorCode: codeOf(error) });
  }

  function beat(): void {
    if (!started || beating !== null) return;
    cancel();
    again = false;
    beating = (async () => {
      await beginDue();
      await carryOnDue();
      const count = await store.countOpen();
      if (count !== told) emit({ type: 'jobs-active', count });
      told = count;
    })()
      .catch(sayError)
      .finally(() => {
        beating = null;
        if (started) cancel = clock.after(again && carried < concurrency ? 0 : beatMs, beat);
      });
  }

  return {
    start() {
      if (started) return;
      started = true;
      stopping = false;
      emit({ type: 'started' });
      beat();
    },
    async stop() {
      const wasStarted = started;
      started = false;
      stopping = true;
      cancel();
      await beating;
      await Promise.all(running);
      if (wasStarted) emit({ type: 'stopped' });
    },
    async begin(wanted) {
      const { answer, rotation } = await begin(wanted);
      return answer === 'begun' ? rotation : null;
    },
    async carryOn({ id }) {
      const now = clock.now();
      const request = { now, changedAfter: now + CLOCK_SLACK_MS, leaseMs: leaseOf(parts), limit: 1, id };
      const [claimed] = await store.claim(request);
      if (claimed !== undefined) await run(claimed);
    },
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    emit,
  };
}
