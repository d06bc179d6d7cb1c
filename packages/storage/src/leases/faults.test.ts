import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { until, wait } from '../reader/ledger-database.fixture.ts';
import { withClock, withFault } from './fake-database.fixture.ts';
import type { Leases } from './leases.ts';
import { newSession, TTL, useOwners } from './owners.fixture.ts';

const owners = useOwners();

describe('leases and clocks', () => {
  it('are not held by a process that woke up and whose monotonic clock stood still meanwhile', async () => {
    let asleep: number | undefined;
    const sleeping = withFault(owners.current.server.database);
    const a = await owners.current.open('a20', {
      database: sleeping.database,
      assurance: 'high',
      now: () => asleep ?? performance.now(),
    });
    const [b, session] = [await owners.current.open('b20', { database: owners.current.other }), newSession()];
    await a.acquire('acme', session);
    asleep = performance.now();
    sleeping.set(true);
    await until('b took it over', async () => (await b.acquire('acme', session)).ok);
    expect(a.fenceOf('acme', session)).toBe(1);
    expect(a.holds('acme', session)).toBe(false);
  });

  it('are given up when the time of day jumps forward, and kept when it jumps back', async () => {
    let shift = 0;
    const a = await owners.current.open('a21', { wall: () => Date.now() + shift });
    const session = newSession();
    await a.acquire('acme', session);
    shift = -3_600_000;
    expect(a.holds('acme', session)).toBe(true);
    shift = 3_600_000;
    expect(a.holds('acme', session)).toBe(false);
    await until('the next beat knows better', () => a.holds('acme', session));
  });

  it('are not taken over because the database clock was set forward', async () => {
    const clock = withClock(owners.current.server.database);
    const a = await owners.current.open('a22', { database: clock.database, assurance: 'high' });
    const b = await owners.current.open('b22', { database: clock.database });
    const session = newSession();
    await a.acquire('acme', session);
    await wait(1.6 * TTL);
    clock.setAhead(3_600_000);
    for (const end = performance.now() + 2 * TTL; performance.now() < end; ) {
      const answer = await b.acquire('acme', session);
      expect([answer.ok, a.holds('acme', session)]).not.toEqual([true, true]);
      expect(answer).toMatchObject({ ok: false });
    }
  });

  it('survive a database clock that was set back', async () => {
    const clock = withClock(owners.current.server.database);
    const a = await owners.current.open('a23', { database: clock.database, assurance: 'high' });
    const session = newSession();
    await a.acquire('acme', session);
    clock.setAhead(-3_600_000);
    await wait(2 * TTL);
    expect(a.holds('acme', session)).toBe(true);
  });
});

describe('leases and a database that is gone', () => {
  it('run out by themselves, and come back under the same fence where nobody took them', async () => {
    const fault = withFault(owners.current.server.database);
    const [a, b, session] = [
      await owners.current.open('a30', { database: fault.database }),
      await owners.current.open('b30'),
      newSession(),
    ];
    const released = newSession();
    await a.acquire('acme', session);
    await a.acquire('acme', released);
    fault.set(true);
    await until('it ran out', () => !a.holds('acme', session));
    expect(a.health().join()).toContain('leases are not renewed');
    await expect(a.acquire('acme', session)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    await expect(a.release('acme', released)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect(a.holds('acme', released)).toBe(false);
    await wait(TTL);
    expect(await b.acquire('acme', session)).toMatchObject({ ok: false, reason: 'tail-missing' });
    fault.set(false);
    await until('it is held again', () => a.holds('acme', session));
    expect(a.fenceOf('acme', session)).toBe(1);
    expect(a.health()).toEqual([]);
    // What could not be released then was released since.
    await until('b has what a gave up', async () => (await b.acquire('acme', released)).ok);
  });
});

describe('two owners', () => {
  it('never both hold a session, whatever they do and however long they pause', async () => {
    const act = fc.record({
      who: fc.constantFrom(0, 1),
      what: fc.constantFrom('acquire', 'release', 'pause', 'wait', 'restart'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 14 }), async (acts) => {
        const session = newSession();
        const ttlMs = 200;
        const start = (who: number) =>
          owners.current.open(`p${session}-${who}`, {
            database: who === 0 ? owners.current.server.database : owners.current.other,
            assurance: 'high',
            ttlMs,
          });
        const both = [await start(0), await start(1)] as [Leases, Leases];
        const check = () => {
          expect(both.map((leases) => leases.holds('acme', session))).not.toEqual([true, true]);
        };
        for (const { who, what } of acts) {
          const leases = both[who] as Leases;
          if (what === 'acquire') await leases.acquire('acme', session);
          if (what === 'release') await leases.release('acme', session);
          if (what === 'wait') await wait(120);
          // The event loop stands still: both owners are paused here, and each must see what it missed.
          if (what === 'pause') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
          if (what === 'restart') {
            await leases.close({ shipped: false });
            both[who] = await start(who);
          }
          check();
        }
        await Promise.all(both.map((leases) => leases.close({ shipped: true })));
      }),
      { numRuns: 6 },
    );
  });
});
