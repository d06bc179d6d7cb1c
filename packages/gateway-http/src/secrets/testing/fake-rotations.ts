import {
  type Caller,
  type Rotation,
  type RotationPhase,
  type RotationSchedule,
  SecretError,
  type SecretTarget,
} from '@provability-fabric/secrets';
import type { RotationUseCases } from '../ports.ts';
import type { FakeSecrets } from './fake-secrets.ts';

const NOW = 1_767_225_600_000;

/** Rotations that are only noted. */
export class FakeRotations implements RotationUseCases {
  readonly asked: { tenant: string; name: string; request: object }[] = [];
  readonly known = new Map<string, Rotation>();
  readonly keys: Record<string, string>[] = [];
  phase: RotationPhase = 'stage';
  readonly #schedules = new Map<string, RotationSchedule>();
  readonly #secrets: FakeSecrets;

  constructor(secrets: FakeSecrets) {
    this.#secrets = secrets;
  }

  async rotateNow(caller: Caller, target: SecretTarget, request: object = {}) {
    const { tenant, name } = await this.#secrets.admit(caller, 'rotate', target);
    this.asked.push({ tenant, name, request });
    return { rotationId: '00000000-0000-4000-8000-000000000001', phase: this.phase };
  }

  async rotationOf(caller: Caller, tenant: string, id: string) {
    await this.#secrets.admit(caller, 'describe', { tenant, name: 'unknown' });
    const found = this.known.get(id);
    if (found?.tenant !== tenant) throw new SecretError('SECRET_NOT_FOUND', 'expected the id of a rotation');
    return found;
  }

  async scheduleOf(caller: Caller, target: SecretTarget) {
    const { tenant, name } = await this.#secrets.admit(caller, 'describe', target);
    return this.#schedules.get(`${tenant} ${name}`) ?? null;
  }

  async schedule(
    caller: Caller,
    target: SecretTarget,
    { everyDays = 1, at = '02:00', windows = [], policy }: Parameters<RotationUseCases['schedule']>[2],
  ) {
    const place = await this.#secrets.admit(caller, 'schedule', target);
    const schedule: RotationSchedule = {
      ...place,
      timing: { kind: 'every-days', everyDays, at, timeZone: 'UTC' },
      anchorAt: NOW,
      graceMs: (policy?.gracePeriodHours ?? 0) * 3_600_000,
      rotator: 'random',
      options: {},
      jitterMs: 0,
      windows,
      createdBy: caller.principal,
      nextAt: NOW,
      plannedAt: NOW,
    };
    this.#schedules.set(`${place.tenant} ${place.name}`, schedule);
    return { schedule, warning: 'read as every so many days' };
  }

  async unschedule(caller: Caller, target: SecretTarget) {
    const { tenant, name } = await this.#secrets.admit(caller, 'schedule', target);
    return this.#schedules.delete(`${tenant} ${name}`);
  }

  async addDependant(caller: Caller, target: SecretTarget) {
    await this.#secrets.admit(caller, 'schedule', target);
  }

  async removeDependant(caller: Caller, target: SecretTarget) {
    await this.#secrets.admit(caller, 'schedule', target);
    return false;
  }

  async dependants(caller: Caller, target: SecretTarget) {
    await this.#secrets.admit(caller, 'describe', target);
    return {
      dependants: [],
      impact: { level: 'low', services: 0, downtimeMinutes: 0, advisedWindow: 'at any time' } as const,
    };
  }

  async publicKeys() {
    if (this.keys.length === 0) throw new SecretError('SECRET_NOT_FOUND', 'expected a key pair');
    return { keys: this.keys };
  }
}
