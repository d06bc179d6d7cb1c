import { newTenant, placeOf } from '@provability-fabric/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { createRotationScheduler } from './create-rotation-scheduler.ts';
import { createMemoryRotationStore } from './memory-rotation-store.ts';
import { RotationPolicies } from './policies.ts';
import type { RotationStore } from './ports.ts';
import {
  ALICE,
  ManualClock,
  openRotating,
  type Rotating,
  START,
  settled,
  Target,
} from './rotating.fixture.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const DAILY = { everyDays: 1, at: '02:00', rotator: 'target', gracePeriodHours: 1 } as const;

let open: Rotating | undefined;
async function opened(...options: Parameters<typeof openRotating>): Promise<Rotating> {
  open = await openRotating({ beatMs: HOUR / 6, ...options[0] });
  return open;
}
afterEach(() => open?.rotations.stop());

const successes = ({ types }: Rotating) => types().filter((type) => type === 'rotation-success').length;

describe('schedules', () => {
  it('made before the start run as those made after it do', async () => {
    const before = await opened();
    await before.rotations.schedule(ALICE, before.place, DAILY);
    before.rotations.start();
    await before.clock.move(15 * HOUR);
    expect(before.types()).toContain('grace-period-started');
    await before.clock.move(2 * HOUR);
    expect(successes(before)).toBe(1);
  });

  it('run once for all the runs that were missed, and soon', async () => {
    const rotating = await opened();
    const { rotations, place, clock, store } = rotating;
    await rotations.schedule(ALICE, place, DAILY);
    clock.time += 40 * DAY;
    rotations.start();
    await clock.move(10_000);
    expect(rotating.types().filter((type) => type === 'rotation-started')).toHaveLength(1);
    const schedule = await store.schedule(place);
    expect(schedule?.nextAt).toBeGreaterThan(clock.time);
    await clock.move(2 * HOUR);
    expect(successes(rotating)).toBe(1);
  });

  it('that come due while their window is shut wait for it to open', async () => {
    const rotating = await opened();
    const { rotations, place, clock, store } = rotating;
    const windows = [{ from: '01:00', to: '03:00', timeZone: 'UTC' }];
    await rotations.schedule(ALICE, place, { ...DAILY, windows });
    clock.time = START + DAY;
    rotations.start();
    await clock.move(HOUR);
    expect(rotating.types()).not.toContain('rotation-started');
    expect((await store.schedule(place))?.nextAt).toBe(Date.UTC(2027, 0, 17, 1));
    await clock.move(14 * HOUR);
    expect(rotating.types()).toContain('rotation-started');
  });

  it('go on when the clock was set ahead and back again', async () => {
    const rotating = await opened();
    const { rotations, place, clock, store } = rotating;
    await rotations.schedule(ALICE, place, DAILY);
    rotations.start();
    await settled();
    clock.time += 3_000 * DAY;
    await clock.move(3 * HOUR);
    clock.time -= 3_000 * DAY;
    rotations.stop();
    await settled();
    rotations.start();
    await clock.move(120_000);
    expect((await store.schedule(place))?.nextAt).toBeLessThan(clock.time + 2 * DAY);
  });

  it('are tried again within the hour where a rotation failed', async () => {
    const rotating = await opened({ beatMs: HOUR / 4 });
    const { rotations, place, clock, target } = rotating;
    await rotations.schedule(ALICE, place, { ...DAILY, everyDays: 90, gracePeriodHours: 0 });
    rotations.start();
    let down = true;
    target.fault = () => {
      if (down) throw new Error('down');
    };
    await clock.move(90 * DAY + 2 * HOUR);
    expect(rotating.types()).toContain('rotation-failure');
    down = false;
    await clock.move(2 * HOUR);
    expect(successes(rotating)).toBe(1);
  });

  it('are skipped, and say so, while the rotation before has not ended', async () => {
    const rotating = await opened();
    const { rotations, place, clock, target } = rotating;
    await rotations.schedule(ALICE, place, { ...DAILY, gracePeriodHours: 0 });
    rotations.start();
    let down = true;
    target.fault = (call) => {
      if (call === 'revoke' && down) throw new Error('down');
    };
    await clock.move(2 * DAY + 2 * HOUR);
    expect(rotating.types()).toContain('rotation-skipped');
    down = false;
    await clock.move(HOUR);
    expect(successes(rotating)).toBe(1);
  });

  it('scheduled again alike keep their days: a process that restarts daily still rotates', async () => {
    const { rotations, place, clock, store } = await opened();
    const { schedule } = await rotations.schedule(ALICE, place, { ...DAILY, everyDays: 90 });
    clock.time += 60 * DAY;
    await rotations.schedule(ALICE, place, { ...DAILY, everyDays: 90 });
    expect(await store.schedule(place)).toEqual(schedule);
    const other = await rotations.schedule(ALICE, place, { ...DAILY, everyDays: 30 });
    expect(other.schedule.anchorAt).toBe(clock.time);
  });

  it('do not run any more once they are gone', async () => {
    const rotating = await opened();
    const { rotations, place, clock } = rotating;
    await rotations.schedule(ALICE, place, DAILY);
    rotations.start();
    expect(await rotations.unschedule(ALICE, place)).toBe(true);
    expect(await rotations.unschedule(ALICE, place)).toBe(false);
    await clock.move(3 * DAY);
    expect(rotating.types()).toContain('job-unscheduled');
    expect(rotating.types()).not.toContain('rotation-started');
  });

  it('under a policy that is not enabled wait for somebody, with its grace', async () => {
    const { rotations, place, clock, types } = await opened({ beatMs: 6 * HOUR });
    const policy = RotationPolicies.ENCRYPTION_KEYS;
    const { schedule } = await rotations.schedule(ALICE, place, { policy, rotator: 'target' });
    expect(schedule).toMatchObject({ nextAt: null, graceMs: 168 * HOUR });
    rotations.start();
    await clock.move(400 * DAY);
    expect(types()).not.toContain('rotation-started');
    expect((await rotations.rotateNow(ALICE, place)).phase).toBe('grace');
  });

  it('with a grace that outlasts their interval are refused', async () => {
    const { rotations, place } = await opened();
    const refused = rotations.schedule(ALICE, place, { ...DAILY, gracePeriodHours: 24 });
    await expect(refused).rejects.toMatchObject({ code: 'ROTATION_INVALID' });
  });

  it('are begun by one of two replicas', async () => {
    const first = await opened();
    const second = await openRotating({
      beatMs: HOUR / 6,
      store: first.store,
      clock: first.clock,
      provider: first.provider,
      rotators: [first.target.rotator()],
    });
    await first.rotations.schedule(ALICE, first.place, DAILY);
    first.rotations.start();
    second.rotations.start();
    await first.clock.move(40 * HOUR);
    const started = [...first.types(), ...second.types()].filter((type) => type === 'rotation-started');
    expect(started).toHaveLength(2);
    expect((await first.provider.describe(first.place)).versions).toHaveLength(3);
    await second.rotations.stop();
  });
});

describe('the scheduler', () => {
  it('says that its store cannot be asked, and goes on when it can', async () => {
    const clock = new ManualClock();
    const store = createMemoryRotationStore(clock.now);
    let down = true;
    const faulty: RotationStore = {
      ...store,
      dueSchedules: (...given) => (down ? Promise.reject(new Error('down')) : store.dueSchedules(...given)),
    };
    const rotating = await opened({ store: faulty, clock });
    await rotating.rotations.schedule(ALICE, rotating.place, DAILY);
    rotating.rotations.start();
    await clock.move(20 * HOUR);
    expect(rotating.types()).toContain('scheduler-error');
    expect(rotating.types()).not.toContain('rotation-started');
    down = false;
    await clock.move(3 * HOUR);
    expect(successes(rotating)).toBe(1);
  });

  it('stops only when nothing is being done any more, and leaves the rest to the next start', async () => {
    const target = new Target('old');
    let release: () => void = () => undefined;
    const rotator = target.rotator('held');
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const rotating = await opened({ rotators: [{ ...rotator, set: async () => held }] });
    const { rotations, place, store, types } = rotating;
    rotations.start();
    const { rotationId } = await rotations.rotateNow(ALICE, place, { rotator: 'held', waitMs: 0 });
    await settled();
    let stopped = false;
    const stopping = rotations.stop().then(() => {
      stopped = true;
    });
    await settled();
    expect(stopped).toBe(false);
    release();
    await stopping;
    expect(types().at(-1)).toBe('stopped');
    expect((await store.rotation(place.tenant, rotationId))?.phase).toBe('test');
  });

  it('is not stopped by a listener that throws', async () => {
    const { rotations, place } = await opened();
    rotations.on(() => {
      throw new Error('a listener');
    });
    expect((await rotations.rotateNow(ALICE, place, { rotator: 'target' })).phase).toBe('done');
  });
});

describe('createRotationScheduler', () => {
  it('works with a provider alone, as the runbook has it', async () => {
    const { provider, place, current } = await opened();
    const clock = new ManualClock();
    const scheduler = createRotationScheduler(provider, { clock, beatMs: HOUR });
    const events: unknown[] = [];
    scheduler.on('schedule-warning', ({ warning }) => events.push(warning));
    scheduler.on('rotation-success', ({ type }) => events.push(type));
    scheduler.start();
    const answer = await scheduler.scheduleRotation({
      tenantId: place.tenant,
      secretKey: place.name,
      policy: RotationPolicies.DATABASE_CREDENTIALS,
      cronSchedule: '0 2 */90 * *',
    });
    expect(new Date(answer.schedule.nextAt ?? 0).toISOString()).toBe(
      new Date(Date.UTC(2027, 0, 15 + 90, 2)).toISOString(),
    );
    expect(answer.schedule.graceMs).toBe(24 * HOUR);
    await clock.move(89 * DAY);
    expect((await current()).password).toBe('old');
    await clock.move(3 * DAY);
    expect((await current()).password).toMatch(/^[0-9A-Za-z]{32}$/);
    expect(events).toEqual([expect.stringContaining('every 90 days at 02:00 UTC'), 'rotation-success']);
    const [rotation] = await scheduler.history(place.tenant, place.name);
    expect(rotation).toMatchObject({ phase: 'done', cause: 'schedule' });
    expect(rotation?.startedAt).toBeGreaterThan(START + 89 * DAY);
    await scheduler.stop();
  });

  it('refuses at once what cannot be scheduled, since nobody may wait for the promise', async () => {
    const { provider, place } = await opened();
    const scheduler = createRotationScheduler(provider, { clock: new ManualClock() });
    const job = { tenantId: place.tenant, secretKey: place.name, policy: RotationPolicies.API_KEYS };
    expect(() => scheduler.scheduleRotation({ ...job, cronSchedule: '0 2 30 2 *' })).toThrow(/never does/);
    expect(() => scheduler.scheduleRotation({ ...job, secretKey: '../t2/db' })).toThrow(/secret name/);
    await scheduler.stop();
  });
});

describe('a tenant whose targets never answer', () => {
  it('does not hold up the rotations of others', async () => {
    const rotating = await opened({ concurrency: 4 });
    const { rotations, clock, provider, place } = rotating;
    const target = new Target('old');
    const stuck = { ...target.rotator('stuck'), set: () => new Promise<never>(() => undefined) };
    rotating.rotators.push(stuck);
    const crowd = newTenant();
    rotations.start();
    for (let index = 0; index < 40; index += 1) {
      const theirs = placeOf(`db/${index}`, crowd);
      await provider.write(theirs, { password: 'old' }, { author: 'mallory' });
      await rotations.schedule(ALICE, theirs, { ...DAILY, rotator: 'stuck' });
    }
    await rotations.schedule(ALICE, place, { ...DAILY, at: '02:01' });
    await clock.move(14 * HOUR + 5 * 60_000);
    const types = rotating.types();
    const stopped = rotations.stop();
    await clock.move(60_000);
    await stopped;
    expect(types).toContain('grace-period-started');
  });
});
