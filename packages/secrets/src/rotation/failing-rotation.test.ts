import { afterEach, describe, expect, it } from 'vitest';
import { SecretError } from '../errors.ts';
import { ALICE, openRotating, type Rotating } from './rotating.fixture.ts';

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

describe('a rotation that goes wrong', () => {
  it('takes the new value back, keeps the old one, and calls itself failed', async () => {
    const { rotations, place, target, drive, current, types, records } = await opened();
    target.fault = (call) => {
      if (call === 'test') unavailable();
    };
    const { rotationId, phase } = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    expect(phase).not.toBe('done');
    expect(await drive(rotationId)).toMatchObject({ phase: 'failed', errorCode: 'PROVIDER_UNAVAILABLE' });
    expect(await current()).toEqual({ username: 'app', password: 'old' });
    expect([...target.accepted]).toEqual(['old']);
    expect(target.calls.filter((call) => call === 'test')).toHaveLength(8);
    expect(types()).toContain('rollback-success');
    expect(types()).toContain('rotation-failure');
    expect(types()).not.toContain('rotation-success');
    expect(records.map(({ result }) => result)).not.toContain('SUCCESS');
    expect(records.at(-1)).toMatchObject({
      result: 'FAILURE',
      errorCode: 'PROVIDER_UNAVAILABLE',
      id: rotationId,
    });
  });

  it('does not say that it was rolled back where there was nothing to roll back', async () => {
    const { rotations, place, drive, types } = await opened({
      rotators: [
        {
          name: 'target',
          generate: async () => unavailable(),
          set: unavailable,
          test: unavailable,
          revoke: unavailable,
          undo: unavailable,
        },
      ],
    });
    const { rotationId } = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    await drive(rotationId);
    expect(types()).toContain('rotation-failure');
    expect(types().filter((type) => type.startsWith('rollback'))).toEqual([]);
  });

  it('says so where the new value cannot be taken back, and ends', async () => {
    const { rotations, place, target, drive, current, types } = await opened();
    target.fault = (call) => {
      if (call !== 'set') unavailable();
    };
    const { rotationId } = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    expect((await drive(rotationId)).phase).toBe('failed');
    expect(types()).toContain('rollback-failure');
    expect(types()).not.toContain('rollback-success');
    expect((await current()).password).toBe('old');
  });

  it('says so where the current value was deleted meanwhile: the target may accept the new one', async () => {
    const { rotations, place, target, drive, provider, types } = await opened();
    let deleted = false;
    target.fault = (call) => {
      if (call !== 'set' || deleted) return;
      deleted = true;
      void provider.deleteVersions(place, [1]);
    };
    const { rotationId } = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    expect((await drive(rotationId)).phase).toBe('failed');
    expect(target.accepted.size).toBe(2);
    expect(types()).toContain('rollback-failure');
    expect(await provider.staged(place).catch(() => null)).toBeNull();
  });

  it('never leads back once the new value is the current one: the old one is revoked in the end', async () => {
    const { rotations, place, target, drive, current, clock } = await opened();
    let down = true;
    target.fault = (call) => {
      if (call === 'revoke' && down) unavailable();
    };
    const { rotationId } = await rotations.rotateNow(ALICE, place, GRACE);
    await clock.move(2 * HOUR);
    await clock.move(24 * HOUR);
    expect(target.calls.filter((call) => call === 'revoke').length).toBeGreaterThan(100);
    const { password = '' } = await current();
    expect(target.accepted).toEqual(new Set(['old', password]));
    down = false;
    expect((await drive(rotationId, ({ phase }) => phase === 'done')).errorCode).toBeNull();
    expect([...target.accepted]).toEqual([password]);
  });

  it('does not act where it cannot be put on record', async () => {
    const { rotations, place, target, drive, recording, current, clock, events } = await opened();
    recording.fails = true;
    const { rotationId } = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    await clock.move(60_000);
    expect(target.calls).toEqual([]);
    expect(events).toContainEqual(
      expect.objectContaining({ errorCode: 'AUDIT_UNAVAILABLE', phase: 'stage' }),
    );
    recording.fails = false;
    expect((await drive(rotationId)).phase).toBe('grace');
    recording.fails = true;
    await clock.move(3 * HOUR);
    expect(target.calls).not.toContain('revoke');
    expect(target.accepted).toContain((await current()).password);
    recording.fails = false;
    expect((await drive(rotationId, ({ phase }) => phase === 'done')).phase).toBe('done');
  });

  it('fails where the secret was written meanwhile, and keeps what was written', async () => {
    const { rotations, place, target, drive, current, provider } = await opened();
    target.fault = () => undefined;
    let written = false;
    target.fault = (call) => {
      if (call !== 'test' || written) return;
      written = true;
      void provider.write(place, { username: 'app', password: 'by hand' }, { author: 'bob' });
    };
    target.accepted.add('by hand');
    const { rotationId } = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    expect(await drive(rotationId)).toMatchObject({ phase: 'failed', errorCode: 'SECRET_CONFLICT' });
    expect((await current()).password).toBe('by hand');
    expect([...target.accepted]).toEqual(['old', 'by hand']);
  });

  it.each([{}, { note: 'brought back by bob' }, { username: 'app2' }])(
    'does not revoke an old value that somebody brought back in the grace, with %j',
    async (beside) => {
      const { rotations, place, target, drive, current, provider, clock } = await opened();
      const { rotationId } = await rotations.rotateNow(ALICE, place, GRACE);
      await drive(rotationId);
      await provider.write(place, { username: 'app', password: 'old', ...beside }, { author: 'bob' });
      await clock.move(2 * HOUR);
      expect(await drive(rotationId)).toBeDefined();
      expect((await drive(rotationId, ({ phase }) => phase === 'failed')).errorCode).toBe('SECRET_CONFLICT');
      expect(target.accepted).toContain((await current()).password);
    },
  );

  it('clears away what a rotation that ended left staged, and leaves alone what others did', async () => {
    const { rotations, place, provider, drive, types } = await opened();
    const stranger = '11111111-1111-4111-8111-111111111111';
    await provider.stage(place, { token: stranger, value: { password: 'a stranger’s' } });
    const { rotationId } = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    expect(await drive(rotationId)).toMatchObject({ phase: 'failed', errorCode: 'SECRET_CONFLICT' });
    expect((await provider.staged(place))?.token).toBe(stranger);
    await provider.discard(place, stranger);
    await provider.stage(place, { token: rotationId, value: { password: 'left behind' } });
    const again = await rotations.rotateNow(ALICE, place, { ...GRACE, waitMs: 0 });
    expect((await drive(again.rotationId)).phase).toBe('grace');
    expect(types()).toContain('grace-period-started');
  });
});
