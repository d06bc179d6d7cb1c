import { randomUUID } from 'node:crypto';
import { newTenant, placeOf } from '@provability-fabric/testkit';
import type { AuditTrail, SecretAccess } from '../audit.ts';
import { openHouse } from '../embedded/embedded.fixture.ts';
import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';
import type { SecretProvider } from '../provider.ts';
import type { Caller } from '../service/secrets.ts';
import type { SecretValue } from '../value.ts';
import type { RotationEvent } from './events.ts';
import { createMemoryRotationStore, hasEnded } from './memory-rotation-store.ts';
import type { Rotation, RotationClock, RotationStore, Rotator } from './ports.ts';
import { openRotations, type Rotations, type RotationsOptions } from './rotations.ts';

export const START = Date.UTC(2027, 0, 15, 12, 0, 0);
export const ALICE: Caller = { tenant: null, principal: 'alice', roles: ['secrets-admin'], details: {} };

/** Stands still until it is moved. */
export class ManualClock implements RotationClock {
  time = START;
  #timers: { at: number; callback: () => void }[] = [];

  now = (): number => this.time;

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.time + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Calls what is due meanwhile, each at its time, and lets it come to rest. */
  async move(ms: number): Promise<void> {
    const end = this.time + ms;
    await settled();
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
      await settled();
    }
    this.time = end;
  }
}

/** Until nothing that needs no timer is left to do. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What accepts passwords, as a database would: those that it was told, until it is told otherwise. */
export class Target {
  readonly accepted: Set<string>;
  /** Called before each call; throws what the call is to fail with. */
  fault: (call: string) => void = () => undefined;
  readonly calls: string[] = [];
  #made = 0;

  constructor(...accepted: readonly string[]) {
    this.accepted = new Set(accepted);
  }

  rotator(name = 'target'): Rotator {
    const called = async (call: string) => {
      this.calls.push(call);
      this.fault(call);
    };
    return {
      name,
      generate: async (current) => ({ ...current, password: `new-${++this.#made}-${randomUUID()}` }),
      set: async ({ password = '' }) => {
        await called('set');
        this.accepted.add(password);
      },
      test: async ({ password = '' }) => {
        await called('test');
        if (!this.accepted.has(password)) throw new SecretError('ROTATION_FAILED', 'expected to be let in');
      },
      revoke: async (previous) => {
        await called('revoke');
        this.accepted.delete(previous?.password ?? '');
      },
      undo: async ({ password = '' }) => {
        await called('undo');
        this.accepted.delete(password);
      },
    };
  }
}

export interface Rotating {
  readonly provider: SecretProvider;
  readonly store: RotationStore;
  readonly clock: ManualClock;
  readonly target: Target;
  readonly place: SecretPlace;
  readonly rotations: Rotations;
  /** Those that may be named; more may be added. */
  readonly rotators: Rotator[];
  readonly events: RotationEvent[];
  readonly records: SecretAccess[];
  /** While set, nothing can be put on record. */
  recording: { fails: boolean };
  /** All types of events so far. */
  types(): readonly string[];
  /** Moves the clock until the rotation waits for its grace or has ended. */
  drive(id: string, until?: (rotation: Rotation) => boolean): Promise<Rotation>;
  current(): Promise<SecretValue>;
}

/** A secret `db/primary` with the password `old`, which the target accepts. */
export async function openRotating(options: Partial<RotationsOptions> = {}): Promise<Rotating> {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  const provider = (options.provider as SecretProvider | undefined) ?? (await openHouse()).provider;
  const place = placeOf('db/primary', newTenant());
  const target = new Target('old');
  await provider.write(place, { username: 'app', password: 'old' }, { author: 'alice' });
  const store = options.store ?? createMemoryRotationStore(clock.now);
  const records: SecretAccess[] = [];
  const recording = { fails: false };
  const audit: AuditTrail = {
    async record(access) {
      if (recording.fails) throw new SecretError('AUDIT_UNAVAILABLE', 'expected the log to be writable');
      records.push(access);
    },
  };
  const rotators = [target.rotator()];
  const rotations = openRotations({
    provider,
    store,
    audit,
    rotators,
    notifier: { tell: async () => undefined },
    clock,
    random: () => 0.5,
    newId: randomUUID,
    beatMs: 60_000,
    admission: {
      admit: async (_caller, _operation, asked) => placeOf(asked.name, asked.tenant as never),
      perform: async (_caller, _operation, asked, work) => work(placeOf(asked.name, asked.tenant as never)),
    },
    ...options,
  });
  const events: RotationEvent[] = [];
  rotations.on((event) => events.push(event));
  const resting = (rotation: Rotation) => rotation.phase === 'grace' || hasEnded(rotation);
  return {
    provider,
    store,
    clock,
    target,
    place,
    rotations,
    rotators,
    events,
    records,
    recording,
    types: () => events.map(({ type }) => type),
    async drive(id, until = resting) {
      for (let step = 0; step < 10_000; step += 1) {
        const rotation = await store.rotation(place.tenant, id);
        if (rotation === null) throw new Error('expected the rotation to be kept');
        if (until(rotation)) return rotation;
        await clock.move(20_000);
      }
      throw new Error('expected the rotation to come to rest');
    },
    current: async () => (await provider.read(place)).value,
  };
}
