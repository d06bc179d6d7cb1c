import { describe, expect, it } from 'vitest';
import { until } from '../reader/ledger-database.fixture.ts';
import { because, HOUR, NOW, newTenant, token, useAuthorities } from './authorities.fixture.ts';
import type { Authority } from './authority.ts';

const authorities = useAuthorities();

describe('revocations', () => {
  it('refuse bad names, too many, none, times that are none, and another tenant’s principals', async () => {
    const authority = await authorities.current.open();
    const scope = { tenant: newTenant() };
    const bad = [
      { tokenIds: [] },
      { tokenIds: [''] },
      { tokenIds: ['a\0b'] },
      { tokenIds: ['x'.repeat(1_048_576)] },
      { tokenIds: Array.from({ length: 1_001 }, (_, i) => `t${i}`) },
      { principals: [{ tenant: 'somebody-else', id: 'agent' }] },
      { tokenIds: ['t'], reason: '' },
      { tokenIds: ['t'], by: 'x'.repeat(300) },
      { tokenIds: ['t'], at: Number.NaN },
    ];
    for (const request of bad) {
      await expect(authority.revoke(scope, { ...because, ...request })).rejects.toMatchObject({
        code: 'BAD_QUERY',
      });
    }
    await expect(authority.revoke({ tenant: '' }, { ...because, tokenIds: ['t'] })).rejects.toMatchObject({
      code: 'BAD_QUERY',
    });
    expect((await authority.revocations(scope, { limit: 10 })).rows).toEqual([]);
  });

  it('keep names as they are, whatever SQL is in them', async () => {
    const authority = await authorities.current.open();
    const tenant = newTenant();
    const id = `'); delete from pf.revocations; --`;
    await authority.revoke({ tenant }, { ...because, tokenIds: [id], reason: `"';\\` });
    expect(authority.revoked(id, { tenant, id: 'agent-1' })).toBe(true);
    expect((await authority.revocations({ tenant }, { limit: 10 })).rows).toEqual([
      { tenant, kind: 'token', id, reason: `"';\\`, by: because.by, at: NOW },
    ]);
  });

  it('touch nothing of another tenant, not even a token of the same id', async () => {
    const authority = await authorities.current.open();
    const [mine, theirs] = [newTenant(), newTenant()];
    const id = `shared-${mine}`;
    await authority.recordToken(token(theirs, id));
    // Whether another tenant has such a token does not show either.
    expect(await authority.revoke({ tenant: mine }, { ...because, tokenIds: [id] })).toEqual({
      revoked: [id],
      unknown: [id],
    });
    expect(authority.revoked(id, { tenant: mine, id: 'agent-1' })).toBe(true);
    expect(authority.revoked(id, { tenant: theirs, id: 'agent-1' })).toBe(false);
    expect((await authority.revocations({ tenant: theirs }, { limit: 10 })).rows).toEqual([]);
  });

  it('are bound to the tenant by the database, not by this code', async () => {
    const [mine, theirs] = [newTenant(), newTenant()];
    const write = (text: string) =>
      authorities.current.server.database.transaction('pf_writer', (tx) => tx.query(text, [theirs]), {
        tenant: mine,
      });
    const forbidden = { code: 'LEDGER_REFUSED' };
    await expect(
      write(`insert into pf.revocations values ($1, 'token', 'x', 'r', 'b', 1, 1000000)`),
    ).rejects.toMatchObject(forbidden);
    await expect(write(`insert into pf.epochs values ($1, 9, 'b', 1, 1000000)`)).rejects.toMatchObject(
      forbidden,
    );
    const authority = await authorities.current.open();
    await authority.raiseEpoch(theirs, 5, 'ops');
    expect(await write(`update pf.epochs set epoch = 99 where tenant = $1 returning 1`)).toEqual([]);
    await expect(write(`delete from pf.revocations where tenant = $1`)).rejects.toMatchObject(forbidden);
  });

  it('are in force in every fabric within a second', async () => {
    const [a, b] = [
      await authorities.current.open(),
      await authorities.current.open({ database: authorities.current.other }),
    ];
    const tenant = newTenant();
    for (let round = 0; round < 5; round++) {
      const id = `t${round}`;
      await a.revoke({ tenant }, { ...because, tokenIds: [id] });
      const committed = performance.now();
      expect(a.revoked(id, { tenant, id: 'agent-1' })).toBe(true);
      await until('b knows', () => b.revoked(id, { tenant, id: 'agent-1' }), 1_000);
      expect(performance.now() - committed).toBeLessThan(1_000);
    }
  });

  it('are in force within a second also where no notification arrives', async () => {
    const deaf = { ...authorities.current.other, listen: () => Promise.reject(new Error('no channel')) };
    const [a, b] = [await authorities.current.open(), await authorities.current.open({ database: deaf })];
    const tenant = newTenant();
    await a.revoke({ tenant }, { ...because, principals: [{ tenant, id: 'agent-1' }] });
    await until('b knows', () => b.revoked('any', { tenant, id: 'agent-1' }), 1_000);
    expect(b.revoked('any', { tenant, id: 'agent-2' })).toBe(false);
    expect(b.revoked('any', { tenant: 'elsewhere', id: 'agent-1' })).toBe(false);
  });

  it('of the platform reach tokens that nobody has a record of, and later show to their tenant', async () => {
    const authority = await authorities.current.open();
    const tenant = newTenant();
    const [known, unknown] = [`known-${tenant}`, `unknown-${tenant}`];
    await authority.recordToken(token(tenant, known));
    const answer = await authority.revoke(
      { tenant: null },
      { ...because, tokenIds: [known, unknown, known] },
    );
    expect(answer).toEqual({ revoked: [known, unknown], unknown: [unknown] });
    for (const id of [known, unknown]) expect(authority.revoked(id, { tenant, id: 'x' })).toBe(true);
    const revoked = async () =>
      (await authority.revocations({ tenant }, { limit: 10 })).rows.map(({ id }) => id);
    expect(await revoked()).toEqual([known]);
    await authority.recordToken(token(tenant, unknown));
    expect(await revoked()).toEqual([known, unknown]);
  });

  it('are idempotent and keep their first reason', async () => {
    const authority = await authorities.current.open();
    const tenant = newTenant();
    await authority.revoke({ tenant }, { ...because, tokenIds: ['t'] });
    await authority.revoke({ tenant }, { ...because, tokenIds: ['t'], reason: 'another' });
    const { rows } = await authority.revocations({ tenant }, { limit: 10 });
    expect(rows.map(({ reason }) => reason)).toEqual(['lost laptop']);
  });

  it('stay in memory for an hour after the token expired, and for good without a record', async () => {
    const tenant = newTenant();
    const today = Date.now();
    let wall = today;
    // Two clocks have to agree that a token expired; the database's is this machine's.
    const authority = await authorities.current.open();
    await authority.recordToken(token(tenant, 'old', { issuedAt: 1, expiresAt: today - 2 * HOUR }));
    await authority.recordToken(token(tenant, 'recent', { issuedAt: 1, expiresAt: today - HOUR / 2 }));
    await authority.revoke({ tenant }, { ...because, tokenIds: ['old', 'recent', 'nobody-knows'] });
    const here = (held: Authority) =>
      ['old', 'recent', 'nobody-knows'].map((id) => held.revoked(id, { tenant, id: 'agent-1' }));
    expect(here(await authorities.current.open({ wall: () => wall }))).toEqual([false, true, true]);
    wall = today - 2 * HOUR;
    expect(here(await authorities.current.open({ wall: () => wall }))).toEqual([true, true, true]);
  });

  it('made at the same time by many all arrive everywhere', async () => {
    const [a, b] = [
      await authorities.current.open(),
      await authorities.current.open({ database: authorities.current.other }),
    ];
    const tenant = newTenant();
    const ids = Array.from({ length: 60 }, (_, i) => `t${i}`);
    await Promise.all(
      ids.map((id, at) => (at % 2 ? a : b).revoke({ tenant }, { ...because, tokenIds: [id] })),
    );
    for (const authority of [a, b]) {
      await until('all', () => ids.every((id) => authority.revoked(id, { tenant, id: 'x' })), 1_000);
    }
  });
});
