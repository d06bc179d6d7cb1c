import { randomUUID } from 'node:crypto';
import { newTenant, placeOf } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditTrail, SecretAccess } from '../audit.ts';
import { openHouse } from '../embedded/embedded.fixture.ts';
import { SecretError } from '../errors.ts';
import { createMemoryRotationStore } from './memory-rotation-store.ts';
import { ALICE, ManualClock, openRotating, settled, Target } from './rotating.fixture.ts';
import { openRotations } from './rotations.ts';

const HOUR = 3_600_000;

/**
 * Ports of a process that dies at its n-th call: before the call is made, or when it was done and is not yet heard of.
 * Afterwards nothing that the process does has any effect.
 */
function mortal(dieAt: number, when: 'before' | 'after') {
  let calls = 0;
  const life = { dead: false };
  const forever = new Promise<never>(() => undefined);
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]) => {
          const dies = ++calls === dieAt;
          if (life.dead || (dies && when === 'before')) life.dead = true;
          if (life.dead) return forever;
          const answer = (await (member as (...given: unknown[]) => unknown).apply(target, given)) as unknown;
          if (dies) life.dead = true;
          return life.dead ? forever : answer;
        };
      },
    });
  return { wrap, life };
}

describe('a rotation whose processes die anywhere', () => {
  const death = fc.record({
    at: fc.integer({ min: 1, max: 40 }),
    when: fc.constantFrom('before' as const, 'after' as const),
  });
  // Which calls of the target fail: bit n for the n-th.
  const faults = fc
    .bigInt({ min: 0n, max: 2n ** 48n - 1n })
    .map((bits) => bits & (bits >> 7n) & (bits >> 13n));

  it('ends right: the target accepts the current value at every moment, and no failure says success', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(death, { maxLength: 12 }), faults, async (deaths, bits) => {
        const clock = new ManualClock();
        const { provider } = await openHouse();
        const place = placeOf('db/primary', newTenant());
        await provider.write(place, { password: 'old' }, { author: 'alice' });
        const target = new Target('old');
        let calls = 0n;
        target.fault = () => {
          if (((bits >> calls++) & 1n) === 1n)
            throw new SecretError('PROVIDER_UNAVAILABLE', 'expected an answer');
        };
        const store = createMemoryRotationStore(clock.now);
        const records: SecretAccess[] = [];
        const audit: AuditTrail = { record: async (access) => void records.push(access) };
        const current = async () => (await provider.read(place)).value.password ?? '';
        let id: string | undefined;
        let leftBehind = false;
        const lives = [...deaths, { at: Number.POSITIVE_INFINITY, when: 'before' as const }];
        for (const { at, when } of lives) {
          const { wrap, life } = mortal(at, when);
          const rotations = openRotations({
            provider: wrap(provider),
            store: wrap(store),
            audit: wrap(audit),
            rotators: [wrap(target.rotator())],
            notifier: { tell: async () => undefined },
            clock,
            random: () => 0.5,
            newId: randomUUID,
            beatMs: HOUR,
            retries: { attempts: 3 },
            admission: {
              admit: async () => place,
              perform: async (_who, _what, _where, work) => work(place),
            },
          });
          rotations.on(({ type }) => {
            leftBehind ||= type === 'rollback-failure';
          });
          if (id === undefined) {
            void rotations.rotateNow(ALICE, place, { rotator: 'target', gracePeriodHours: 1, waitMs: 0 });
            await settled();
            id = (await store.rotations(place.tenant, { limit: 1 }))[0]?.id;
            if (id === undefined) continue;
          }
          rotations.start();
          for (let beats = 0; beats < 12 && !life.dead; beats += 1) {
            if ((await store.countOpen()) === 0) break;
            await clock.move(HOUR / 4);
            expect(target.accepted).toContain(await current());
          }
          // It may die in this as well, and then it does not end.
          void rotations.stop();
          await settled();
          clock.time += HOUR;
        }
        const rotation = await store.rotation(place.tenant, id ?? '');
        const [start, value] = [records[0]?.id, await current()];
        expect(new Set(records.map((record) => record.id))).toEqual(new Set([start]));
        const results = records.map(({ result }) => result).filter((result) => result !== 'STARTED');
        if (!leftBehind) expect([...target.accepted]).toEqual([value]);
        expect(await provider.staged(place)).toBeNull();
        expect(rotation?.phase).toBe(value === 'old' ? 'failed' : 'done');
        expect(new Set(results)).toEqual(new Set([value === 'old' ? 'FAILURE' : 'SUCCESS']));
      }),
      { numRuns: 100 },
    );
  });
});

describe('a target that fails 5 % of its calls', () => {
  it('is rotated all the same, 200 times of 200', async () => {
    const rotating = await openRotating({ beatMs: 10_000 });
    const { rotations, place, target, clock, events } = rotating;
    rotations.start();
    let state = 42;
    target.fault = () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      if (state / 2 ** 31 < 0.05)
        throw new SecretError('PROVIDER_UNAVAILABLE', 'expected an answer, got none');
    };
    for (let count = 0; count < 200; count += 1) {
      const { rotationId } = await rotations.rotateNow(ALICE, place, { rotator: 'target', waitMs: 0 });
      await rotating.drive(rotationId, ({ phase }) => phase === 'done' || phase === 'failed');
    }
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type === 'rotation-success')).toHaveLength(200);
    expect(types.filter((type) => type === 'rotation-attempt-failed').length).toBeGreaterThan(10);
    expect([...target.accepted]).toEqual([(await rotating.current()).password]);
    expect(clock.time).toBeGreaterThan(0);
    await rotations.stop();
  });
});
