import { describe, expect, it } from 'vitest';
import { until, wait } from '../reader/ledger-database.fixture.ts';
import { newSession, TTL, useOwners } from './owners.fixture.ts';

const owners = useOwners();

describe('leases', () => {
  it('refuses names that are too long, empty, or hold NUL, and keeps quotes as they are', async () => {
    const leases = await owners.current.open('a1');
    for (const name of ['', 'x'.repeat(1_048_576), 'a\0b', 'a\ud800b']) {
      await expect(leases.acquire('acme', name)).rejects.toMatchObject({ code: 'BAD_QUERY' });
      await expect(leases.acquire(name, 's')).rejects.toMatchObject({ code: 'BAD_QUERY' });
      await expect(leases.declareLost('acme', name)).rejects.toMatchObject({ code: 'BAD_QUERY' });
    }
    const hostile = `'); drop table pf.leases; --`;
    expect(await leases.acquire(hostile, hostile)).toEqual({ ok: true, fence: 1 });
    expect(leases.holds(hostile, hostile)).toBe(true);
  });

  it('gives a session to one owner and tells the other where it is', async () => {
    const [a, b, session] = [
      await owners.current.open('a2'),
      await owners.current.open('b2', { database: owners.current.other }),
      newSession(),
    ];
    expect(await a.acquire('acme', session)).toEqual({ ok: true, fence: 1 });
    expect(await b.acquire('acme', session)).toEqual({
      ok: false,
      owner: 'a2',
      address: 'http://a2.example:8080',
      reason: 'held',
    });
    expect([a.holds('acme', session), b.holds('acme', session)]).toEqual([true, false]);
    expect(await a.acquire('acme', session)).toEqual({ ok: true, fence: 1 });
  });

  it('gives one session to one of many that ask at once', async () => {
    const session = newSession();
    const all = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name, at) =>
        owners.current.open(`${name}3`, at % 2 ? { database: owners.current.other } : {}),
      ),
    );
    const answers = await Promise.all(all.map((leases) => leases.acquire('acme', session)));
    expect(answers.filter(({ ok }) => ok)).toEqual([{ ok: true, fence: 1 }]);
  });

  it('hands a released session over under a higher fence', async () => {
    const [a, b, session] = [await owners.current.open('a4'), await owners.current.open('b4'), newSession()];
    await a.acquire('acme', session);
    await a.release('acme', session);
    expect(a.holds('acme', session)).toBe(false);
    expect(a.fenceOf('acme', session)).toBeUndefined();
    expect(await b.acquire('acme', session)).toEqual({ ok: true, fence: 2 });
    expect(await a.acquire('acme', session)).toMatchObject({ ok: false, owner: 'b4', reason: 'held' });
  });

  it('raises the fence of the sequencer with the takeover', async () => {
    const [a, b, session] = [await owners.current.open('a5'), await owners.current.open('b5'), newSession()];
    await a.acquire('acme', session);
    await a.release('acme', session);
    await b.acquire('acme', session);
    const [row] = await owners.current.server.database.transaction('pf_auditor', (tx) =>
      tx.query('select seq, fence from pf.sessions where tenant = $1 and session = $2', ['acme', session]),
    );
    expect(row).toEqual({ seq: -1, fence: 2 });
  });

  it('keeps a lease for as long as its owner lives', async () => {
    const [a, b, session] = [
      await owners.current.open('a6', { assurance: 'high' }),
      await owners.current.open('b6'),
      newSession(),
    ];
    await a.acquire('acme', session);
    for (const end = performance.now() + 3 * TTL; performance.now() < end; await wait(20)) {
      expect(a.holds('acme', session)).toBe(true);
      expect(await b.acquire('acme', session)).toMatchObject({ ok: false, reason: 'held' });
    }
  });

  it('does not hand over what only a dead owner has', async () => {
    const [a, b, session] = [await owners.current.open('a7'), await owners.current.open('b7'), newSession()];
    await a.acquire('acme', session);
    await a.close({ shipped: false });
    expect(a.holds('acme', session)).toBe(false);
    await wait(2.5 * TTL);
    expect(await b.acquire('acme', session)).toEqual({
      ok: false,
      owner: 'a7',
      address: 'http://a7.example:8080',
      reason: 'tail-missing',
    });
  });

  it('gives an owner that was started again its own sessions, at its new address, under the fence of the tail that it still has', async () => {
    const [a, b, session, unasked] = [
      await owners.current.open('a8'),
      await owners.current.open('b8'),
      newSession(),
      newSession(),
    ];
    await a.acquire('acme', session);
    await a.acquire('acme', unasked);
    await a.close({ shipped: false });
    const again = await owners.current.open('a8', { address: 'http://moved.example' });
    expect(await b.acquire('acme', unasked)).toMatchObject({ ok: false, address: 'http://moved.example' });
    expect(await again.acquire('acme', session)).toEqual({ ok: true, fence: 1 });
  });

  it('takes a session of high assurance over once its lease ran out, and not before', async () => {
    const [a, b, session] = [
      await owners.current.open('a9', { assurance: 'high' }),
      await owners.current.open('b9'),
      newSession(),
    ];
    await wait(1.5 * TTL);
    await a.acquire('acme', session);
    await a.close({ shipped: false });
    const died = performance.now();
    expect(await b.acquire('acme', session)).toMatchObject({ ok: false, reason: 'held' });
    await until('b has it', async () => (await b.acquire('acme', session)).ok);
    expect(performance.now() - died).toBeGreaterThan(0.7 * TTL);
    expect(b.fenceOf('acme', session)).toBe(2);
  });

  it('does not hand a session over from the moment on that its owner stops waiting for the ledger', async () => {
    const [a, b, session] = [
      await owners.current.open('a12', { assurance: 'high' }),
      await owners.current.open('b12'),
      newSession(),
    ];
    await a.acquire('acme', session);
    await a.assure('standard');
    const later = newSession();
    await a.acquire('acme', later);
    await a.close({ shipped: false });
    await wait(2.5 * TTL);
    for (const name of [session, later]) {
      expect(await b.acquire('acme', name)).toMatchObject({ ok: false, reason: 'tail-missing' });
    }
  });

  it('releases everything at once when all was shipped', async () => {
    const [a, b] = [await owners.current.open('a10'), await owners.current.open('b10')];
    const sessions = Array.from({ length: 20 }, newSession);
    await Promise.all(sessions.map((session) => a.acquire('acme', session)));
    await a.close({ shipped: true });
    for (const session of sessions) expect(await b.acquire('acme', session)).toEqual({ ok: true, fence: 2 });
    await expect(a.acquire('acme', newSession())).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  });

  it('lets an operator declare a dead host lost, but no living one', async () => {
    const [a, b, session] = [
      await owners.current.open('a11'),
      await owners.current.open('b11'),
      newSession(),
    ];
    expect(await b.declareLost('acme', session)).toEqual({ ok: false, reason: 'unknown' });
    await a.acquire('acme', session);
    expect(await b.declareLost('acme', session)).toEqual({ ok: false, reason: 'held' });
    await a.close({ shipped: false });
    await until('it can be declared lost', async () => (await b.declareLost('acme', session)).ok);
    expect(await b.declareLost('acme', session)).toEqual({ ok: true });
    // 2 was the declaration: what the lost host ships late is superseded from then on.
    expect(await b.acquire('acme', session)).toEqual({ ok: true, fence: 3 });
  });
});
