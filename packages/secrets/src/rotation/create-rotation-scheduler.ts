import { randomUUID } from 'node:crypto';
import type { AuditTrail } from '../audit.ts';
import { asSecretName, asSecretTenant, type SecretPlace } from '../names.ts';
import type { Caller } from '../service/secrets.ts';
import type { RotationEvent } from './events.ts';
import { createMemoryRotationStore } from './memory-rotation-store.ts';
import type { RotationPolicy } from './policies.ts';
import type { DependantNotifier, RotatingProvider, Rotation, RotationStore, Rotator } from './ports.ts';
import {
  openRotations,
  type RotateAnswer,
  type RotateRequest,
  type ScheduleAnswer,
  type ScheduleRequest,
} from './rotations.ts';
import { createKeyPairRotator } from './rotators/key-pair.ts';
import { createRandomRotator } from './rotators/random.ts';
import { planSchedule } from './schedule-request.ts';
import type { SchedulerOptions } from './scheduler.ts';
import { systemBytes, systemClock, systemRandom } from './system.ts';

export interface RotationJob extends Omit<ScheduleRequest, 'policy'> {
  readonly tenantId: string;
  readonly secretKey: string;
  readonly policy: RotationPolicy;
}

export interface RotationScheduler {
  start(): void;
  /** Resolves once nothing is being done any more. */
  stop(): Promise<void>;
  /** Before or after `start`. Throws ROTATION_INVALID at once, not by the promise. */
  scheduleRotation(job: RotationJob): Promise<ScheduleAnswer>;
  /** Answers whether there was one. What is under way goes on. */
  unscheduleRotation(tenantId: string, secretKey: string): Promise<boolean>;
  rotateNow(tenantId: string, secretKey: string, request?: RotateRequest): Promise<RotateAnswer>;
  /** Newest first; the newest 1,000 that have ended are kept. */
  history(tenantId: string, secretKey: string): Promise<readonly Rotation[]>;
  /** Answers how to stop listening. */
  on<Type extends RotationEvent['type']>(
    type: Type,
    listener: (event: Extract<RotationEvent, { readonly type: Type }>) => void,
  ): () => void;
}

export type RotationSchedulerOptions = Partial<Omit<SchedulerOptions, 'provider'>>;

/** Whoever has the provider itself may do all with it. */
const OWNER: Caller = { tenant: null, principal: 'system:rotation', roles: [], details: {} };
const UNRECORDED: AuditTrail = { record: async () => undefined };
const NOBODY: DependantNotifier = { tell: async () => undefined };

/**
 * Rotations of one process over a provider of its own. Without `store` they are kept in memory, and what is under way
 * when the process ends is not undone; without `audit` they are told in events alone. The fabric gives both.
 */
export function createRotationScheduler(
  provider: RotatingProvider,
  options: RotationSchedulerOptions = {},
): RotationScheduler {
  const { clock = systemClock, random = systemRandom, newId = randomUUID } = options;
  const rotators: readonly Rotator[] = options.rotators ?? [
    createRandomRotator(systemBytes),
    createKeyPairRotator(),
  ];
  const store: RotationStore = options.store ?? createMemoryRotationStore(() => clock.now());
  const rotations = openRotations({
    audit: UNRECORDED,
    notifier: NOBODY,
    ...options,
    provider,
    store,
    rotators,
    clock,
    random,
    newId,
    admission: {
      admit: async (_caller, _operation, { tenant, name }) => placeOf(tenant, name),
      perform: async (_caller, _operation, { tenant, name }, work) => work(placeOf(tenant, name)),
    },
  });

  return {
    start: () => rotations.start(),
    stop: () => rotations.stop(),
    scheduleRotation({ tenantId, secretKey, ...request }) {
      const place = placeOf(tenantId, secretKey);
      // The promise may have nobody who waits for it.
      planSchedule(place, OWNER.principal, request, null, { rotators, clock, random });
      return rotations.schedule(OWNER, place, request);
    },
    unscheduleRotation: async (tenantId, secretKey) =>
      rotations.unschedule(OWNER, placeOf(tenantId, secretKey)),
    rotateNow: async (tenantId, secretKey, request) =>
      rotations.rotateNow(OWNER, placeOf(tenantId, secretKey), request),
    history: async (tenantId, secretKey) =>
      rotations.list(OWNER, placeOf(tenantId, secretKey), { limit: 1_000 }),
    on: (type, listener) =>
      rotations.on((event) => {
        if (event.type === type) listener(event as Parameters<typeof listener>[0]);
      }),
  };
}

function placeOf(tenant: string, name: string): SecretPlace {
  return { tenant: asSecretTenant(tenant), name: asSecretName(name) };
}
