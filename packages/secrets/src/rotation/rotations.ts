// The use cases: who may is asked first, then it is done.
import type { SecretOperation } from '../access/operations.ts';
import { SecretError } from '../errors.ts';
import { asSecretTenant, type SecretPlace } from '../names.ts';
import type { Caller, SecretTarget } from '../service/secrets.ts';
import { checkDependant } from './dependants.ts';
import type { RotationListener } from './events.ts';
import { graceOf } from './grace.ts';
import { type Impact, impactOf } from './impact.ts';
import type { RotationPolicy } from './policies.ts';
import type {
  Dependant,
  MaintenanceWindow,
  Rotation,
  RotationClock,
  RotationListing,
  RotationPhase,
  RotationSchedule,
  RotatorOptions,
} from './ports.ts';
import { type PublicKeys, publicKeysOf } from './public-keys.ts';
import { checkRotator, planSchedule } from './schedule-request.ts';
import { createScheduler, type SchedulerOptions } from './scheduler.ts';

/** Role, tenant and name, checked; a denial is on record. The service's own `admit`. */
export interface Admission {
  admit(caller: Caller, operation: SecretOperation, target: SecretTarget): Promise<SecretPlace>;
  /** As `admit`, and the work is put on record: for all but rotations, which keep their own records. */
  perform<T>(
    caller: Caller,
    operation: SecretOperation,
    target: SecretTarget,
    work: (place: SecretPlace) => Promise<T>,
  ): Promise<T>;
}

export interface RotateRequest {
  /** Unless told: the schedule's, or `random`. */
  readonly rotator?: string;
  readonly options?: RotatorOptions;
  /** Unless told: the schedule's, or none. */
  readonly gracePeriodHours?: number;
  /** How long to wait for the new value to be the current one; 5,000 ms unless told, at most 60,000. */
  readonly waitMs?: number;
}

export interface RotateAnswer {
  readonly rotationId: string;
  /** Where it is now: from `notify` on the new value is the current one. */
  readonly phase: RotationPhase;
}

export interface ScheduleRequest {
  readonly policy?: RotationPolicy;
  readonly cronSchedule?: string;
  readonly everyDays?: number;
  /** `HH:MM`, 02:00 unless told. */
  readonly at?: string;
  readonly timeZone?: string;
  readonly gracePeriodHours?: number;
  readonly jitterMinutes?: number;
  readonly windows?: readonly MaintenanceWindow[];
  readonly rotator?: string;
  readonly options?: RotatorOptions;
}

export interface ScheduleAnswer {
  readonly schedule: RotationSchedule;
  /** That the cron expression was read otherwise than cron would. */
  readonly warning: string | null;
}

export interface DependantsAnswer {
  readonly dependants: readonly Dependant[];
  readonly impact: Impact;
}

/** Errors are SecretError; none holds a value, and no answer does. */
export interface Rotations {
  /** Throws ROTATION_UNDER_WAY where the secret has one that has not ended. */
  rotateNow(caller: Caller, target: SecretTarget, request?: RotateRequest): Promise<RotateAnswer>;
  rotationOf(caller: Caller, tenant: string, rotationId: string): Promise<Rotation>;
  /** Newest first. */
  list(
    caller: Caller,
    target: SecretTarget,
    listing?: Partial<Pick<RotationListing, 'open' | 'limit'>>,
  ): Promise<readonly Rotation[]>;
  /** In the place of the one before; the same timing again keeps its days where they were. */
  schedule(caller: Caller, target: SecretTarget, request: ScheduleRequest): Promise<ScheduleAnswer>;
  scheduleOf(caller: Caller, target: SecretTarget): Promise<RotationSchedule | null>;
  /** Answers whether there was one. */
  unschedule(caller: Caller, target: SecretTarget): Promise<boolean>;
  addDependant(caller: Caller, target: SecretTarget, dependant: Dependant): Promise<void>;
  removeDependant(caller: Caller, target: SecretTarget, serviceId: string): Promise<boolean>;
  dependants(caller: Caller, target: SecretTarget): Promise<DependantsAnswer>;
  /** Of a secret of rotator `key-pair`: a public document, which is why it asks for no caller. */
  publicKeys(target: SecretPlace): Promise<PublicKeys>;
  start(): void;
  stop(): Promise<void>;
  on(listener: RotationListener): () => void;
}

export interface RotationsOptions extends SchedulerOptions {
  readonly admission: Admission;
}

const USUAL_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function openRotations(options: RotationsOptions): Rotations {
  const { admission, store, clock, rotators } = options;
  const scheduler = createScheduler(options);

  async function rotateNow(caller: Caller, target: SecretTarget, request: RotateRequest = {}) {
    const place = await admission.admit(caller, 'rotate', target);
    const schedule = await store.schedule(place);
    const rotator = request.rotator ?? schedule?.rotator ?? 'random';
    const rotatorOptions =
      request.options ?? (request.rotator === undefined ? schedule?.options : undefined) ?? {};
    checkRotator(rotator, rotatorOptions, rotators);
    const graceMs =
      request.gracePeriodHours === undefined ? (schedule?.graceMs ?? 0) : graceOf(request.gracePeriodHours);
    // Fails here, where it can be said, for a secret that is not there.
    await options.provider.describe(place);
    const by = caller.principal;
    const rotation = await scheduler.begin({
      place,
      rotator,
      options: rotatorOptions,
      graceMs,
      cause: 'manual',
      by,
    });
    if (rotation === null)
      throw new SecretError(
        'ROTATION_UNDER_WAY',
        'expected no rotation of this secret to be under way, got one',
      );
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(0, request.waitMs ?? USUAL_WAIT_MS));
    const carried = scheduler.carryOn(rotation).catch(() => undefined);
    await unlessLater(carried, waitMs, clock);
    const now = await store.rotation(place.tenant, rotation.id);
    return { rotationId: rotation.id, phase: now?.phase ?? rotation.phase };
  }

  return {
    rotateNow,
    async rotationOf(caller, tenant, rotationId) {
      const rotation = UUID.test(rotationId)
        ? await store.rotation(asSecretTenant(tenant), rotationId)
        : null;
      // Asked of a caller also where there is none: what others have is not to be told from what is not there.
      const name = rotation?.name ?? 'unknown-rotation';
      return admission.perform(caller, 'describe', { tenant, name }, async () => {
        if (rotation !== null) return rotation;
        throw new SecretError('SECRET_NOT_FOUND', 'expected the id of a rotation, got another');
      });
    },
    async list(caller, target, { open, limit = 100 } = {}) {
      return admission.perform(caller, 'describe', target, async ({ tenant, name }) => {
        if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
          throw new SecretError('ROTATION_INVALID', 'expected a limit of 1 to 1000');
        return store.rotations(tenant, { name, limit, ...(open === undefined ? {} : { open }) });
      });
    },
    async schedule(caller, target, request) {
      return admission.perform(caller, 'schedule', target, async (place) => {
        const known = await store.schedule(place);
        const answer = planSchedule(place, caller.principal, request, known, options);
        await store.putSchedule(answer.schedule);
        scheduler.emit({ type: 'job-scheduled', place, nextAt: answer.schedule.nextAt });
        if (answer.warning !== null)
          scheduler.emit({ type: 'schedule-warning', place, warning: answer.warning });
        return answer;
      });
    },
    async scheduleOf(caller, target) {
      return admission.perform(caller, 'describe', target, (place) => store.schedule(place));
    },
    async unschedule(caller, target) {
      return admission.perform(caller, 'schedule', target, async (place) => {
        const removed = await store.removeSchedule(place);
        if (removed) scheduler.emit({ type: 'job-unscheduled', place });
        return removed;
      });
    },
    async addDependant(caller, target, dependant) {
      return admission.perform(caller, 'schedule', target, (place) =>
        store.putDependant(place, checkDependant(dependant)),
      );
    },
    async removeDependant(caller, target, serviceId) {
      return admission.perform(caller, 'schedule', target, (place) =>
        store.removeDependant(place, serviceId),
      );
    },
    async dependants(caller, target) {
      return admission.perform(caller, 'describe', target, async (place) => {
        const dependants = await store.dependants(place);
        return { dependants, impact: impactOf(dependants) };
      });
    },
    publicKeys: (place) => publicKeysOf(place, options),
    start: () => scheduler.start(),
    stop: () => scheduler.stop(),
    on: (listener) => scheduler.on(listener),
  };
}

/** What goes wrong meanwhile is an event, and is tried again: the caller only waits. */
async function unlessLater(work: Promise<void>, ms: number, clock: RotationClock): Promise<void> {
  if (ms === 0) return;
  let cancel: () => void = () => undefined;
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  await Promise.race([work, late]);
  cancel();
}
