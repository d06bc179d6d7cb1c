import { afterEach, describe, expect, it, vi } from 'vitest';
import { SecretError } from '../errors.ts';
import { ALICE, openRotating, type Rotating, Target } from './rotating.fixture.ts';

const GRACE = { rotator: 'target', gracePeriodHours: 2 } as const;
const HOUR = 3_600_000;

let open: Rotating | undefined;
async function opened(...options: Parameters<typeof openRotating>): Promise<Rotating> {
  open = await openRotating({ beatMs: HOUR / 6, ...options[0] });
  open.rotations.start();
  return open;
}
afterEach(() => open?.rotations.stop());

function unavailable(): never {
  throw new SecretError('PROVIDER_UNAVAILABLE', 'expected an answer, got none');
}

describe('a rotation', () => {
  it('makes the new value current while both are accepted, and revokes the old one after the grace', async () => {
    const { rotations, place, target, drive, current, clock, types, provider } = await opened();
    const { rotationId, phase } = await rotations.rotateNow(ALICE, place, GRACE);
    expect(phase).toBe('grace');
    const { username, password = '' } = await current();
    expect(username).toBe('app');
    expect(target.accepted).toEqual(new Set(['old', password]));
    expect((await provider.read(place, 1)).value.password).toBe('old');
    await clock.move(2 * HOUR - 10_000);
    expect(target.accepted).toContain('old');
    await clock.move(20_000);
    expect(await drive(rotationId)).toMatchObject({ phase: 'done', previousVersion: 1, version: 2 });
    expect([...target.accepted]).toEqual([password]);
    expect(types()).toEqual([
      'started',
      'jobs-active',
      'rotation-started',
      'grace-period-started',
      'jobs-active',
      'rotation-success',
    ]);
  });

  it('counts as its duration what was done, and not the grace', async () => {
    const { rotations, place, clock, events } = await opened();
    await rotations.rotateNow(ALICE, place, GRACE);
    await clock.move(3 * HOUR);
    const [success] = events.filter((event) => event.type === 'rotation-success');
    expect(success?.seconds).toBeLessThan(5);
  });

  it('is one at a time for a secret', async () => {
    const { rotations, place, drive, clock } = await opened();
    const { rotationId } = await rotations.rotateNow(ALICE, place, GRACE);
    await expect(rotations.rotateNow(ALICE, place, GRACE)).rejects.toMatchObject({
      code: 'ROTATION_UNDER_WAY',
    });
    await clock.move(3 * HOUR);
    await drive(rotationId);
    expect((await rotations.rotateNow(ALICE, place, GRACE)).phase).toBe('grace');
  });

  it('goes at once where nothing is started, up to its grace', async () => {
    open = await openRotating();
    const { rotations, place, target } = open;
    expect((await rotations.rotateNow(ALICE, place, GRACE)).phase).toBe('grace');
    expect(target.accepted.size).toBe(2);
  });

  it('shows no value in answers, events or records', async () => {
    const { rotations, place, clock, events, records, current, provider } = await opened();
    const answer = await rotations.rotateNow(ALICE, place, GRACE);
    await clock.move(3 * HOUR);
    const all = JSON.stringify([
      answer,
      events,
      records,
      await rotations.list(ALICE, place),
      await rotations.rotationOf(ALICE, place.tenant, answer.rotationId),
    ]);
    const values = [await current(), (await provider.read(place, 1)).value].map(
      ({ password = '' }) => password,
    );
    for (const value of values) expect(all).not.toContain(`"${value}"`);
    expect(all).not.toContain(values[0]);
  });

  it('records what it starts under one id, and one end', async () => {
    const { rotations, place, clock, records } = await opened();
    const { rotationId } = await rotations.rotateNow(ALICE, place, GRACE);
    await clock.move(3 * HOUR);
    expect(new Set(records.map(({ id }) => id))).toEqual(new Set([rotationId]));
    expect(records.map(({ result, details }) => [result, details.phase])).toEqual([
      ['STARTED', 'stage'],
      ['STARTED', 'set'],
      ['STARTED', 'test'],
      ['STARTED', 'promote'],
      ['STARTED', 'revoke'],
      ['SUCCESS', 'revoke'],
    ]);
    expect(records[0]).toMatchObject({
      action: 'ROTATE',
      principal: 'system:rotation',
      details: { by: 'alice', cause: 'manual', rotator: 'target' },
    });
  });

  it('tells dependants after the promotion, and is not held up by one that is deaf', async () => {
    const tell = vi.fn(async ({ serviceId }: { serviceId: string }) => {
      if (serviceId === 'deaf') unavailable();
    });
    const { rotations, place, drive, events } = await opened({ notifier: { tell } });
    const service = {
      serviceName: 's',
      serviceType: 'api',
      environment: 'production',
      url: 'https://s.example',
    } as const;
    await rotations.addDependant(ALICE, place, { ...service, serviceId: 'deaf' });
    await rotations.addDependant(ALICE, place, { ...service, serviceId: 'api' });
    const { rotationId } = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    expect((await drive(rotationId)).phase).toBe('grace');
    expect(tell.mock.calls.map(([{ serviceId }]) => serviceId).sort()).toEqual([
      'api',
      'deaf',
      'deaf',
      'deaf',
    ]);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'dependant-told',
        dependant: expect.objectContaining({ serviceId: 'api' }),
      }),
    );
    expect(events).toContainEqual(expect.objectContaining({ type: 'dependant-not-told' }));
    expect((await rotations.dependants(ALICE, place)).impact).toMatchObject({
      level: 'medium',
      downtimeMinutes: 5,
    });
  });

  it('ends an attempt that takes too long, and goes on with the next', async () => {
    const target = new Target('old');
    const rotator = target.rotator('slow');
    let calls = 0;
    const slow = {
      ...rotator,
      set: async (...given: Parameters<typeof rotator.set>) => {
        if (++calls === 1) await new Promise(() => undefined);
        await rotator.set(...given);
      },
    };
    const { rotations, place, drive } = await opened({ rotators: [slow] });
    const request = { ...GRACE, rotator: 'slow', waitMs: 0 };
    const { rotationId } = await rotations.rotateNow(ALICE, place, request);
    expect((await drive(rotationId)).phase).toBe('grace');
    expect(calls).toBe(2);
  });

  it('refuses what cannot be rotated before anything is begun', async () => {
    const { rotations, place, store } = await opened();
    const missing = { ...place, name: 'not/there' };
    await expect(rotations.rotateNow(ALICE, missing, GRACE)).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
    });
    const unknown = rotations.rotateNow(ALICE, place, { rotator: 'unknown' });
    await expect(unknown).rejects.toMatchObject({ code: 'ROTATION_INVALID' });
    expect(await store.countOpen()).toBe(0);
  });

  it('asks who may first', async () => {
    const refuse = async () => Promise.reject(new SecretError('SECRET_FORBIDDEN', 'expected a role'));
    const refused = { admit: refuse, perform: refuse };
    const { rotations, place, provider } = await opened({ admission: refused });
    const describe = vi.spyOn(provider, 'describe');
    for (const act of [
      () => rotations.rotateNow(ALICE, place),
      () => rotations.schedule(ALICE, place, { everyDays: 1 }),
      () => rotations.unschedule(ALICE, place),
      () => rotations.list(ALICE, place),
      () => rotations.rotationOf(ALICE, place.tenant, '11111111-1111-4111-8111-111111111111'),
      () => rotations.dependants(ALICE, place),
    ])
      await expect(act()).rejects.toMatchObject({ code: 'SECRET_FORBIDDEN' });
    expect(describe).not.toHaveBeenCalled();
  });
});
