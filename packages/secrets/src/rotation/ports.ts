import type { SecretName, SecretPlace, SecretTenant } from '../names.ts';
import type { SecretProvider } from '../provider.ts';
import type { SecretValue } from '../value.ts';

/**
 * What is to be done next. Up to `promote` the old value is the current one and `undo` leads back to it; from `notify` on
 * the new one is, and the only way is forward. `done` and `failed` are the ends.
 */
export type RotationPhase =
  | 'stage'
  | 'set'
  | 'test'
  | 'promote'
  | 'notify'
  | 'grace'
  | 'revoke'
  | 'undo'
  | 'done'
  | 'failed';

/** What a rotator is told besides the values: names, addresses, lengths; never a secret. At most 16. */
export type RotatorOptions = Readonly<Record<string, string | number | boolean>>;

/** One rotation, as it is kept: no value of a secret, those are with the provider. Times are ms since 1970. */
export interface Rotation {
  /** UUID; also the token under which the new value is staged. */
  readonly id: string;
  readonly tenant: SecretTenant;
  readonly name: SecretName;
  readonly rotator: string;
  readonly options: RotatorOptions;
  readonly cause: 'schedule' | 'manual';
  /** Who asked for it, or `system:rotation`. */
  readonly by: string;
  readonly phase: RotationPhase;
  /** How often this phase has failed so far. */
  readonly attempts: number;
  /** When the phase may act: the end of a pause after a failure, or of the grace. */
  readonly dueAt: number;
  readonly graceMs: number;
  /** The version that was current when it began; null until that is known. */
  readonly previousVersion: number | null;
  /** The version that it made. */
  readonly version: number | null;
  /** Why the last attempt failed, or the rotation: a code. */
  readonly errorCode: string | null;
  readonly startedAt: number;
  readonly promotedAt: number | null;
  readonly endedAt: number | null;
  readonly changedAt: number;
}

/** Only one process at a time has a rotation; `fence` goes up with every claim. */
export interface ClaimedRotation {
  readonly rotation: Rotation;
  readonly fence: number;
}

export type RotationChange = Partial<
  Pick<
    Rotation,
    'phase' | 'attempts' | 'dueAt' | 'previousVersion' | 'version' | 'errorCode' | 'promotedAt' | 'endedAt'
  >
> &
  Pick<Rotation, 'changedAt'>;

/** On the hour of a wall clock in `timeZone` (IANA; `UTC` unless told). */
export type RotationTiming =
  | { readonly kind: 'cron'; readonly expression: string; readonly timeZone: string }
  /** Every so many days after the day of the anchor, at `HH:MM`. */
  | {
      readonly kind: 'every-days';
      readonly everyDays: number;
      readonly at: string;
      readonly timeZone: string;
    };

/** When rotations may begin. `to` before `from`: over midnight. */
export interface MaintenanceWindow {
  /** 0 Sunday … 6 Saturday, of the day on which it opens; absent: every day. */
  readonly days?: readonly number[];
  /** `HH:MM`. */
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}

export interface RotationSchedule {
  readonly tenant: SecretTenant;
  readonly name: SecretName;
  readonly timing: RotationTiming;
  /** Days are counted from here. */
  readonly anchorAt: number;
  readonly graceMs: number;
  readonly rotator: string;
  readonly options: RotatorOptions;
  /** Each run is put off by a random time below this. */
  readonly jitterMs: number;
  /** At most 8; empty: always. */
  readonly windows: readonly MaintenanceWindow[];
  readonly createdBy: string;
  /** Null: only by hand. */
  readonly nextAt: number | null;
  /** What the clock said when `nextAt` was worked out. */
  readonly plannedAt: number;
}

/** From one time to the next; only if it still is what it was when it was read. */
export interface ScheduleMove {
  readonly from: number;
  readonly to: number | null;
  readonly plannedAt: number;
}

/** A service that uses a secret, and wants to be told that it has changed. */
export interface Dependant {
  readonly serviceId: string;
  readonly serviceName: string;
  readonly serviceType: 'api' | 'worker' | 'cron' | 'function';
  readonly environment: string;
  /** Where `POST <url>/reload` tells it; absent: it is only counted. */
  readonly url?: string;
}

export interface RotationListing {
  /** Only of this secret. */
  readonly name?: SecretName;
  /** Only those that have not ended. */
  readonly open?: boolean;
  /** 1 to 1,000. */
  readonly limit: number;
}

export type BeginAnswer = 'begun' | 'under-way' | 'moved';

/**
 * The state of rotations, shared by all replicas. Every method is atomic, and what it has answered is durable: the next
 * phase acts on it. `dueSchedules`, `claim` and `countOpen` are the scheduler's and see all tenants; all others see one.
 */
export interface RotationStore {
  /** Replaces what is there. */
  putSchedule(schedule: RotationSchedule): Promise<void>;
  schedule(place: SecretPlace): Promise<RotationSchedule | null>;
  /** Ascending by name, after `after` where it is given; `limit` 1 to 1,000. */
  schedules(tenant: SecretTenant, limit: number, after?: SecretName): Promise<readonly RotationSchedule[]>;
  /** Answers whether there was one. What is under way goes on. */
  removeSchedule(place: SecretPlace): Promise<boolean>;
  /**
   * Those with `nextAt` ≤ now, the oldest first; and those with `plannedAt` > `plannedAfter`, which a clock that has been
   * set back since has planned too late.
   */
  dueSchedules(now: number, plannedAfter: number, limit: number): Promise<readonly RotationSchedule[]>;
  /** False where `nextAt` is no longer `move.from`, or the schedule is gone. */
  moveSchedule(place: SecretPlace, move: ScheduleMove): Promise<boolean>;

  /**
   * Adds an open rotation. `under-way` where the secret has one that has not ended, and then nothing is changed. With
   * `move` the schedule is moved in the same transaction; `moved` where somebody else did so before, and nothing is changed.
   */
  begin(rotation: Rotation, move?: ScheduleMove): Promise<BeginAnswer>;
  /**
   * Takes open rotations whose `dueAt` ≤ now (or whose `changedAt` > `changedAfter`: the clock was set back) and that
   * nobody has, in turn among tenants: first of those of which the fewest are taken, then the longest due first, so that one
   * tenant's crowd holds up nobody else; with `id` only that one, whatever its `dueAt`. A claim ends `leaseMs` after it was
   * made or last renewed, by the store's own clock.
   */
  claim(request: ClaimRequest): Promise<readonly ClaimedRotation[]>;
  /**
   * Writes what came of a phase, and renews the claim, or gives it up with `leaseMs` 0. False, and nothing written, where
   * `fence` is not the newest: somebody else goes on with it. One that ends is released, and the newest 1,000 ended ones
   * of its tenant are kept.
   */
  advance(
    tenant: SecretTenant,
    id: string,
    fence: number,
    change: RotationChange,
    leaseMs: number,
  ): Promise<boolean>;
  rotation(tenant: SecretTenant, id: string): Promise<Rotation | null>;
  /** Newest (`startedAt`, then `id`) first. */
  rotations(tenant: SecretTenant, listing: RotationListing): Promise<readonly Rotation[]>;
  countOpen(): Promise<number>;

  /** Replaces the one with the same `serviceId`. */
  putDependant(place: SecretPlace, dependant: Dependant): Promise<void>;
  removeDependant(place: SecretPlace, serviceId: string): Promise<boolean>;
  /** Ascending by `serviceId`; at most 1,000. */
  dependants(place: SecretPlace): Promise<readonly Dependant[]>;
}

export interface ClaimRequest {
  readonly now: number;
  readonly changedAfter: number;
  readonly leaseMs: number;
  readonly limit: number;
  readonly id?: string;
}

export interface RotationContext {
  readonly rotationId: string;
  readonly place: SecretPlace;
  readonly options: RotatorOptions;
  /** ms since 1970. */
  readonly now: number;
  /** Ends the call; what it leads to afterwards is nobody's any more. */
  readonly signal: AbortSignal;
  /** Another secret of the same tenant, such as the login of an administrator; the access is on record. */
  readSecret(name: string): Promise<SecretValue>;
}

/**
 * Brings a new value to where it has to be known. Every method is idempotent: after a crash or a lost answer it is called
 * again with the same values. Throws SecretError: ROTATION_INVALID where no repeat can help, anything else is tried
 * again. No message holds a value.
 */
export interface Rotator {
  readonly name: string;
  /** The value that is to become the current one, out of the current one; it is made once in a rotation. */
  generate(current: SecretValue, context: RotationContext): Promise<SecretValue>;
  /** Makes the target accept the new value beside the current one. */
  set(pending: SecretValue, current: SecretValue, context: RotationContext): Promise<void>;
  /** Uses the new value at the target as those who will have it would. */
  test(pending: SecretValue, current: SecretValue, context: RotationContext): Promise<void>;
  /** Tells the target that the new value is the current one. */
  activate?(current: SecretValue, previous: SecretValue | null, context: RotationContext): Promise<void>;
  /** Makes the target refuse the previous value; null: it is not kept any more. */
  revoke(previous: SecretValue | null, current: SecretValue, context: RotationContext): Promise<void>;
  /** Makes the target refuse the new value, which is not going to be the current one. */
  undo(pending: SecretValue, current: SecretValue, context: RotationContext): Promise<void>;
}

/** Tells a service that a secret has changed; the value is not in the message. Throws SecretError. */
export interface DependantNotifier {
  tell(dependant: Dependant, rotation: Rotation, signal: AbortSignal): Promise<void>;
}

/** Time, as the scheduler sees it. */
export interface RotationClock {
  /** ms since 1970. */
  now(): number;
  /** Calls back once, unless what it answers is called before. */
  after(ms: number, callback: () => void): () => void;
}

/** Uniform in 0 ≤ x < 1, from the operating system. */
export type RandomFraction = () => number;

/** What a rotation does with the provider. Reads may come from a cache, `describe` and `staged` may not. */
export type RotatingProvider = Pick<
  SecretProvider,
  'read' | 'describe' | 'stage' | 'staged' | 'promote' | 'discard'
>;
