import { randomUUID } from 'node:crypto';
import {
  asSecretName,
  asSecretTenant,
  type Rotation,
  type RotationSchedule,
  type RotationStore,
  type SecretTenant,
} from '@provability-fabric/secrets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** One store of rotations, under test. */
export interface RotationStoreUnderTest {
  readonly store: RotationStore;
  readonly close: () => Promise<void>;
}

const NOW = 1_800_000_000_000;
const NAME = asSecretName('db/primary');
const OTHER = asSecretName('db/secondary');
/** Long enough for no claim of a test to end by itself. */
const LEASE_MS = 60_000;

let tenants = 0;
const newTenant = () => asSecretTenant(`rotating-${process.pid}-${++tenants}`);

function rotationOf(tenant: SecretTenant, part: Partial<Rotation> = {}): Rotation {
  return {
    id: randomUUID(),
    tenant,
    name: NAME,
    rotator: 'random',
    options: { length: 40, field: 'password', deep: false },
    cause: 'manual',
    by: 'alice',
    phase: 'stage',
    attempts: 0,
    dueAt: NOW,
    graceMs: 7_200_000,
    previousVersion: null,
    version: null,
    errorCode: null,
    startedAt: NOW,
    promotedAt: null,
    endedAt: null,
    changedAt: NOW,
    ...part,
  };
}

function scheduleOf(tenant: SecretTenant, part: Partial<RotationSchedule> = {}): RotationSchedule {
  return {
    tenant,
    name: NAME,
    timing: { kind: 'every-days', everyDays: 90, at: '02:00', timeZone: 'UTC' },
    anchorAt: NOW,
    graceMs: 86_400_000,
    rotator: 'random',
    options: {},
    jitterMs: 60_000,
    windows: [{ days: [0, 6], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' }],
    createdBy: 'alice',
    nextAt: NOW + 1_000,
    plannedAt: NOW,
    ...part,
  };
}

/** What every store of rotations has to keep to. Tests have tenants of their own. */
export function rotationStoreContract(name: string, open: () => Promise<RotationStoreUnderTest>): void {
  describe(`the contract of rotation stores, kept by ${name}`, () => {
    let opened: RotationStoreUnderTest;
    let store: RotationStore;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened.close());
    const claim = (part: Partial<Parameters<RotationStore['claim']>[0]> = {}) =>
      store.claim({ now: NOW, changedAfter: NOW + 300_000, leaseMs: LEASE_MS, limit: 1_000, ...part });
    const claimOne = async (id: string) => (await claim({ id, limit: 1 }))[0];

    it('shows one tenant nothing of another', async () => {
      const [a, b] = [newTenant(), newTenant()];
      const rotation = rotationOf(a);
      await store.begin(rotation);
      await store.putSchedule(scheduleOf(a));
      await store.putDependant({ tenant: a, name: NAME }, dependant('one'));
      expect(await store.rotation(b, rotation.id)).toBeNull();
      expect(await store.rotations(b, { limit: 10 })).toEqual([]);
      expect(await store.schedule({ tenant: b, name: NAME })).toBeNull();
      expect(await store.schedules(b, 10)).toEqual([]);
      expect(await store.dependants({ tenant: b, name: NAME })).toEqual([]);
      expect(await store.removeSchedule({ tenant: b, name: NAME })).toBe(false);
      const claimed = await claimOne(rotation.id);
      const change = { phase: 'set', changedAt: NOW } as const;
      expect(await store.advance(b, rotation.id, claimed?.fence ?? 0, change, LEASE_MS)).toBe(false);
      expect(await store.rotation(a, rotation.id)).toEqual(rotation);
    });

    it('begins one rotation of a secret at a time', async () => {
      const tenant = newTenant();
      const answers = await Promise.all(Array.from({ length: 8 }, () => store.begin(rotationOf(tenant))));
      expect(answers.filter((answer) => answer === 'begun')).toHaveLength(1);
      expect(answers.filter((answer) => answer === 'under-way')).toHaveLength(7);
      expect(await store.begin(rotationOf(tenant, { name: OTHER }))).toBe('begun');
    });

    it('lets one of many replicas begin what is due, and moves the schedule with it', async () => {
      const tenant = newTenant();
      const schedule = scheduleOf(tenant);
      await store.putSchedule(schedule);
      const from = schedule.nextAt ?? 0;
      const move = { from, to: from + 1_000_000, plannedAt: from };
      const answers = await Promise.all(
        [NAME, OTHER, NAME, OTHER].map((_, at) =>
          store.begin(rotationOf(tenant, { startedAt: NOW + at }), move),
        ),
      );
      expect(answers.filter((answer) => answer === 'begun')).toHaveLength(1);
      expect(await store.schedule(schedule)).toEqual({
        ...schedule,
        nextAt: from + 1_000_000,
        plannedAt: from,
      });
      expect(await store.begin(rotationOf(newTenant()), move)).toBe('moved');
      expect(await store.moveSchedule(schedule, move)).toBe(false);
    });

    it('gives a rotation to one claimant, and to another only when it is given up', async () => {
      const tenant = newTenant();
      const rotation = rotationOf(tenant);
      await store.begin(rotation);
      const both = await Promise.all([claimOne(rotation.id), claimOne(rotation.id)]);
      const [held] = both.filter((claimed) => claimed !== undefined);
      expect(both.filter((claimed) => claimed === undefined)).toHaveLength(1);
      expect(held?.rotation).toEqual(rotation);
      const fence = held?.fence ?? 0;
      expect(await store.advance(tenant, rotation.id, fence, { phase: 'set', changedAt: NOW }, 0)).toBe(true);
      const next = await claimOne(rotation.id);
      expect(next?.fence).toBeGreaterThan(fence);
      expect(next?.rotation.phase).toBe('set');
      expect(
        await store.advance(tenant, rotation.id, fence, { phase: 'test', changedAt: NOW }, LEASE_MS),
      ).toBe(false);
      expect((await store.rotation(tenant, rotation.id))?.phase).toBe('set');
    });

    it('gives away what somebody has held for too long', async () => {
      const tenant = newTenant();
      const rotation = rotationOf(tenant);
      await store.begin(rotation);
      const [first] = await claim({ id: rotation.id, leaseMs: 30 });
      await new Promise((resolve) => setTimeout(resolve, 60));
      const second = await claimOne(rotation.id);
      expect(second?.fence).toBeGreaterThan(first?.fence ?? 0);
    });

    it('gives out what is due, what a clock from the future wrote, and nothing else', async () => {
      const tenant = newTenant();
      const due = rotationOf(tenant, { dueAt: NOW });
      const later = rotationOf(tenant, { name: OTHER, dueAt: NOW + 1 });
      const ahead = rotationOf(tenant, {
        name: asSecretName('c'),
        dueAt: NOW + 10_000_000,
        changedAt: NOW + 9_000_000,
      });
      for (const rotation of [due, later, ahead]) await store.begin(rotation);
      const ours = (await claim()).filter(({ rotation }) => rotation.tenant === tenant);
      expect(ours.map(({ rotation }) => rotation.id).sort()).toEqual([due.id, ahead.id].sort());
    });

    it('gives tenants their turns, so that one with many rotations holds up nobody else', async () => {
      const [crowd, quiet] = [newTenant(), newTenant()];
      for (let index = 0; index < 5; index += 1)
        await store.begin(rotationOf(crowd, { name: asSecretName(`db/${index}`), dueAt: 1_000 + index }));
      await store.begin(rotationOf(quiet, { dueAt: 2_000 }));
      const given: string[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const claimed = await claim({ now: 3_000, changedAfter: Number.MAX_SAFE_INTEGER, limit: 1 });
        given.push(...claimed.map(({ rotation }) => rotation.tenant));
      }
      expect(given).toEqual([crowd, quiet, crowd]);
      const rest = await claim({ now: 3_000, changedAfter: Number.MAX_SAFE_INTEGER });
      expect(rest.map(({ rotation }) => rotation.dueAt)).toEqual([1_002, 1_003, 1_004]);
    });

    it('keeps every field that a phase writes, and ends a rotation for good', async () => {
      const tenant = newTenant();
      const rotation = rotationOf(tenant);
      await store.begin(rotation);
      const { fence = 0 } = (await claimOne(rotation.id)) ?? {};
      const change = {
        phase: 'grace',
        attempts: 3,
        dueAt: NOW + 5,
        previousVersion: 4,
        version: 5,
        errorCode: 'PROVIDER_UNAVAILABLE',
        promotedAt: NOW + 3,
        changedAt: NOW + 4,
      } as const;
      const open = await store.countOpen();
      expect(await store.advance(tenant, rotation.id, fence, change, LEASE_MS)).toBe(true);
      expect(await store.rotation(tenant, rotation.id)).toEqual({ ...rotation, ...change });
      const end = { phase: 'done', endedAt: NOW + 6, errorCode: null, changedAt: NOW + 6 } as const;
      expect(await store.advance(tenant, rotation.id, fence, end, LEASE_MS)).toBe(true);
      expect(await store.rotation(tenant, rotation.id)).toEqual({ ...rotation, ...change, ...end });
      expect(await store.countOpen()).toBe(open - 1);
      expect(await claimOne(rotation.id)).toBeUndefined();
      expect(await store.rotations(tenant, { open: true, limit: 10 })).toEqual([]);
      expect(await store.begin(rotationOf(tenant))).toBe('begun');
    });

    it('lists the newest first, of one secret where it is named', async () => {
      const tenant = newTenant();
      const names = [NAME, OTHER, asSecretName('x'), asSecretName('y')];
      const made = names.map((each, at) => rotationOf(tenant, { name: each, startedAt: NOW + at }));
      for (const rotation of made) await store.begin(rotation);
      expect(await store.rotations(tenant, { limit: 10 })).toEqual([...made].reverse());
      expect(await store.rotations(tenant, { limit: 2 })).toEqual([made[3], made[2]]);
      expect(await store.rotations(tenant, { name: OTHER, limit: 10 })).toEqual([made[1]]);
    });

    it('keeps schedules as they are put, replaces and removes them', async () => {
      const tenant = newTenant();
      const [one, two] = [scheduleOf(tenant), scheduleOf(tenant, { name: OTHER, nextAt: null, windows: [] })];
      await store.putSchedule(two);
      await store.putSchedule(one);
      expect(await store.schedules(tenant, 10)).toEqual([one, two]);
      expect(await store.schedules(tenant, 1)).toEqual([one]);
      expect(await store.schedules(tenant, 10, NAME)).toEqual([two]);
      const changed = { ...one, timing: { kind: 'cron', expression: '0 3 * * 1', timeZone: 'UTC' } } as const;
      await store.putSchedule(changed);
      expect(await store.schedule(one)).toEqual(changed);
      expect(await store.removeSchedule(one)).toBe(true);
      expect(await store.removeSchedule(one)).toBe(false);
      expect(await store.schedule(one)).toBeNull();
    });

    it('finds schedules that are due or were planned by a clock from the future, not those by hand', async () => {
      const tenant = newTenant();
      const due = scheduleOf(tenant, { nextAt: NOW });
      const later = scheduleOf(tenant, { name: OTHER, nextAt: NOW + 1 });
      const ahead = scheduleOf(tenant, {
        name: asSecretName('c'),
        nextAt: NOW + 9_000_000,
        plannedAt: NOW + 8_000_000,
      });
      const byHand = scheduleOf(tenant, { name: asSecretName('d'), nextAt: null });
      for (const schedule of [due, later, ahead, byHand]) await store.putSchedule(schedule);
      const found = (await store.dueSchedules(NOW, NOW + 300_000, 1_000)).filter(
        (schedule) => schedule.tenant === tenant,
      );
      expect(found).toEqual([due, ahead]);
    });

    it('keeps dependants, one of each id', async () => {
      const place = { tenant: newTenant(), name: NAME };
      await store.putDependant(place, dependant('two'));
      await store.putDependant(place, dependant('one'));
      const moved = { ...dependant('one'), environment: 'staging', url: 'https://one.example/hooks' };
      await store.putDependant(place, moved);
      expect(await store.dependants(place)).toEqual([moved, dependant('two')]);
      expect(await store.removeDependant(place, 'one')).toBe(true);
      expect(await store.removeDependant(place, 'one')).toBe(false);
      expect(await store.dependants(place)).toEqual([dependant('two')]);
    });
  });
}

function dependant(serviceId: string) {
  return {
    serviceId,
    serviceName: `the ${serviceId}`,
    serviceType: 'api',
    environment: 'production',
  } as const;
}
