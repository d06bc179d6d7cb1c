import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createKillSwitch } from './create-kill-switch.ts';
import { environmentSource } from './environment-source.ts';
import { fakeKillSource } from './fake-kill-source.fixture.ts';
import { cleanKillOrder } from './kill-order.ts';
import type { KillOrder, KillSource, KillState, KillSwitch } from './kill-switch.ts';

const ORDER: KillOrder = { reason: 'an agent runs wild', by: 'alice', at: 1_800_000_000_000 };
const opened: KillSwitch[] = [];
afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())));
const open = async (...sources: KillSource[]) => {
  const kill = await createKillSwitch(sources);
  opened.push(kill);
  return kill;
};

describe('the kill switch', () => {
  it('is active until every source has said that it is not', async () => {
    const [postgres, redis] = [fakeKillSource('postgres'), fakeKillSource('redis', null)];
    const kill = await open(environmentSource('on'), postgres, redis);
    expect(kill.state()).toEqual({
      active: true,
      env_enabled: true,
      sentinel_exists: false,
      reason: '`postgres` cannot be asked',
      sources: ['postgres'],
    });
    expect(() => kill.check()).toThrow(expect.objectContaining({ code: 'KILLED' }));
    postgres.say(null);
    expect(kill.state()).toMatchObject({ active: false, reason: null, sources: [] });
    kill.check();
  });

  it('is active while any source cannot be asked, or could not even be watched', async () => {
    const redis = fakeKillSource('redis', null);
    const kill = await open(redis);
    redis.say(undefined);
    expect(kill.state()).toMatchObject({ active: true, sources: ['redis'] });
    const broken: KillSource = { name: 'sentinel', watch: () => Promise.reject(new Error('gone')) };
    expect((await open(broken)).state()).toMatchObject({ active: true, sources: ['sentinel'] });
  });

  it('is active exactly if any source orders it or cannot be asked, whatever came before', () => {
    const told = fc.array(fc.tuple(fc.nat(2), fc.constantFrom(ORDER, null, undefined)), { maxLength: 20 });
    return fc.assert(
      fc.asyncProperty(told, async (events) => {
        const sources = (['sentinel', 'postgres', 'redis'] as const).map((name) => fakeKillSource(name));
        const kill = await open(...sources);
        const last: (KillOrder | null | undefined)[] = [undefined, undefined, undefined];
        for (const [at, state] of events) {
          // PostgreSQL's end of an order takes the sentinel's with it.
          if (at === 1 && state === null && last[1] && last[0]) last[0] = null;
          if (at !== 1 || state !== undefined) last[at] = state;
          if (at === 1 && state === undefined) continue;
          sources[at]?.say(state);
          await Promise.resolve();
        }
        expect(kill.state().active).toBe(last.some((state) => state !== null));
      }),
      { numRuns: 100 },
    );
  });

  it('gives the words of who ordered it before it names what cannot be asked', async () => {
    const [sentinel, redis] = [fakeKillSource('sentinel', ORDER), fakeKillSource('redis')];
    const kill = await open(redis, sentinel);
    expect(kill.state()).toMatchObject({ reason: ORDER.reason, sources: ['redis', 'sentinel'] });
    expect(kill.state().sentinel_exists).toBe(true);
  });

  it('stops at once when it is asked to, sets every source, and lets act again when all are taken back', async () => {
    const [sentinel, postgres] = [fakeKillSource('sentinel', null), fakeKillSource('postgres', null)];
    const kill = await open(environmentSource(undefined), sentinel, postgres);
    const asked = kill.kill(ORDER);
    expect(kill.state()).toMatchObject({ active: true, reason: ORDER.reason });
    await asked;
    expect([sentinel.sets, postgres.sets]).toEqual([[ORDER], [ORDER]]);
    await kill.revive({ ...ORDER, by: 'bob' });
    expect(kill.state().active).toBe(false);
  });

  it('names what could not be set, and holds by what could', async () => {
    const [sentinel, postgres] = [fakeKillSource('sentinel', null), fakeKillSource('postgres', null)];
    const kill = await open(sentinel, postgres);
    postgres.failing = true;
    await expect(kill.kill(ORDER)).rejects.toMatchObject({
      code: 'KILL_SWITCH_UNAVAILABLE',
      message: expect.stringContaining('`postgres` could not be set; the others are set'),
    });
    expect(kill.state()).toMatchObject({ active: true, sources: ['sentinel'] });
    await expect(kill.revive(ORDER)).rejects.toMatchObject({ code: 'KILL_SWITCH_UNAVAILABLE' });
    const alone = await open(environmentSource('on'));
    await expect(alone.kill(ORDER)).rejects.toMatchObject({ code: 'KILL_SWITCH_UNAVAILABLE' });
  });

  it('takes this replica’s sentinel back with the order in PostgreSQL that it came with, and no other', async () => {
    const [sentinel, postgres] = [fakeKillSource('sentinel', null), fakeKillSource('postgres', null)];
    const kill = await open(sentinel, postgres);
    await kill.kill(ORDER);
    postgres.say(undefined);
    postgres.say(null); // another replica has revived
    await expect.poll(() => kill.state().active).toBe(false);
    sentinel.say({ ...ORDER, by: 'whoever wrote the file' });
    postgres.say(ORDER);
    postgres.say(null);
    expect(kill.state()).toMatchObject({ active: true, sources: ['sentinel'] });
  });

  it('does not let Redis take a sentinel back', async () => {
    const [sentinel, redis] = [fakeKillSource('sentinel', null), fakeKillSource('redis', null)];
    const kill = await open(sentinel, redis);
    await kill.kill(ORDER);
    redis.say(null);
    expect(kill.state()).toMatchObject({ active: true, sources: ['sentinel'] });
  });

  it('tells of each change once, and no longer whoever has stopped listening', async () => {
    const sentinel = fakeKillSource('sentinel', null);
    const kill = await open(sentinel);
    const told: KillState[] = [];
    const stop = kill.onChange((state) => told.push(state));
    sentinel.say(ORDER);
    sentinel.say(ORDER);
    sentinel.say(null);
    stop();
    sentinel.say(ORDER);
    expect(told.map(({ active }) => active)).toEqual([true, false]);
  });
});

describe('SAFEAI_ENABLE', () => {
  it.each([undefined, 'on', 'true', '1', 'yes', 'ON', ' True '])(
    '%j lets the governor act',
    async (value) => {
      expect((await open(environmentSource(value))).state()).toMatchObject({
        active: false,
        env_enabled: true,
      });
    },
  );

  it.each(['', 'off', 'false', '0', 'no', 'onn', 'true;', 'enabled'])('%j stops it', async (value) => {
    expect((await open(environmentSource(value))).state()).toMatchObject({
      active: true,
      env_enabled: false,
      sources: ['environment'],
    });
  });
});

describe('an order', () => {
  it('is the same however often it is cleaned', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), fc.string({ maxLength: 3_000 }));
    fc.assert(
      fc.property(text, text, fc.double(), (reason, by, at) => {
        const once = cleanKillOrder({ reason, by, at });
        expect(cleanKillOrder(once)).toEqual(once);
        expect(once.reason).not.toMatch(/[\p{Cc}\p{Cs}]/u);
        expect(once.reason.length).toBeGreaterThan(0);
        new Date(once.at).toISOString();
      }),
      { numRuns: 200 },
    );
  });
});
