import { describe, expect, it } from 'vitest';
import type { OwnedDatabase } from '../database/database.ts';
import { withFault } from '../leases/fake-database.fixture.ts';
import { until, wait } from '../reader/ledger-database.fixture.ts';
import { because, HOUR, newTenant, useAuthorities } from './authorities.fixture.ts';
import { openAuthority } from './authority.ts';

const authorities = useAuthorities();

describe('epochs', () => {
  it('only go up, for the own tenant, everywhere within a second', async () => {
    const [a, b] = [
      await authorities.current.open({ floor: () => 3 }),
      await authorities.current.open({ database: authorities.current.other, floor: () => 3 }),
    ];
    const tenant = newTenant();
    expect(a.epoch(tenant)).toBe(3);
    for (const epoch of [0, -1, 3]) {
      await expect(a.raiseEpoch(tenant, epoch, 'ops')).rejects.toMatchObject({ code: 'EPOCH_NOT_RAISED' });
    }
    for (const epoch of [1.5, Number.NaN, 2 ** 53]) {
      await expect(a.raiseEpoch(tenant, epoch, 'ops')).rejects.toMatchObject({ code: 'BAD_QUERY' });
    }
    expect(await a.raiseEpoch(tenant, 7, 'ops')).toBe(7);
    expect(a.epoch(tenant)).toBe(7);
    await until('b knows', () => b.epoch(tenant) === 7, 1_000);
    await expect(b.raiseEpoch(tenant, 7, 'ops')).rejects.toMatchObject({ code: 'EPOCH_NOT_RAISED' });
    expect(b.epoch(newTenant())).toBe(3);
    expect((await a.epochs({ tenant }, { limit: 5 })).rows).toMatchObject([
      { tenant, epoch: 7, raisedBy: 'ops' },
    ]);
    expect((await a.epochs({ tenant: newTenant() }, { limit: 5 })).rows).toEqual([]);
  });

  it('raised at the same time end at the highest', async () => {
    const authority = await authorities.current.open();
    const tenant = newTenant();
    await Promise.allSettled([5, 9, 7, 8, 6].map((epoch) => authority.raiseEpoch(tenant, epoch, 'ops')));
    expect(authority.epoch(tenant)).toBe(9);
    expect((await authorities.current.open({ database: authorities.current.other })).epoch(tenant)).toBe(9);
  });

  it('never go down in memory, not even where the database was put back', async () => {
    const authority = await authorities.current.open();
    const tenant = newTenant();
    await authority.raiseEpoch(tenant, 4, 'ops');
    await authority.revoke({ tenant }, { ...because, tokenIds: ['t'] });
    // A restored backup: an older state, and its counter counts the same numbers again.
    await authorities.current.server.database.asOwner(async (tx) => {
      await tx.query('alter table pf.epochs no force row level security');
      await tx.query('alter table pf.authority_state no force row level security');
      await tx.query('delete from pf.epochs where tenant = $1', [tenant]);
      await tx.query('update pf.authority_state set change = change - 2');
      await tx.query('alter table pf.epochs force row level security');
      await tx.query('alter table pf.authority_state force row level security');
    });
    await wait(600);
    expect(authority.epoch(tenant)).toBe(4);
    expect(authority.revoked('t', { tenant, id: 'x' })).toBe(true);
    await authorities.current.server.database.transaction('pf_writer', (tx) =>
      tx.query('update pf.authority_state set change = change + 2'),
    );
  });
});

describe('staleness', () => {
  it('grows while the database is gone, and falls when it is back', async () => {
    const fault = withFault(authorities.current.other);
    const authority = await authorities.current.open({ database: fault.database });
    const tenant = newTenant();
    await until('fresh', () => authority.staleMs() < 450);
    fault.set(true);
    await wait(900);
    expect(authority.staleMs()).toBeGreaterThan(800);
    expect(authority.health().join()).toContain('LEDGER_UNAVAILABLE');
    await expect(authority.revoke({ tenant }, { ...because, tokenIds: ['t'] })).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    });
    fault.set(false);
    await until('fresh again', () => authority.staleMs() < 450);
    expect(authority.health()).toEqual([]);
  });

  it('counts the time that a suspended machine did not', async () => {
    let slept = 0;
    const fault = withFault(authorities.current.other);
    const authority = await authorities.current.open({
      database: fault.database,
      wall: () => Date.now() + slept,
    });
    fault.set(true);
    slept = HOUR;
    expect(authority.staleMs()).toBeGreaterThan(HOUR - 1_000);
  });

  it('is refused at the start: without epochs and revocations there is no authority', async () => {
    const fault = withFault(authorities.current.other);
    fault.set(true);
    await expect(openAuthority({ database: fault.database, floor: () => 1 })).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    });
  });

  it('names a database that turned read-only, and goes on knowing', async () => {
    const authority = await authorities.current.open({ database: authorities.current.other });
    const tenant = newTenant();
    await authority.revoke({ tenant }, { ...because, tokenIds: ['t'] });
    const readOnly: OwnedDatabase = {
      ...authorities.current.other,
      transaction: (role, work, options) =>
        authorities.current.other.transaction(role, work, { ...options, readOnly: true }),
    };
    const standby = await authorities.current.open({ database: readOnly });
    await expect(standby.revoke({ tenant }, { ...because, tokenIds: ['u'] })).rejects.toMatchObject({
      code: 'LEDGER_READ_ONLY',
    });
    expect(standby.revoked('t', { tenant, id: 'x' })).toBe(true);
  });
});
