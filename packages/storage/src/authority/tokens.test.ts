import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { because, HOUR, NOW, newName, newTenant, token, useAuthorities } from './authorities.fixture.ts';

const authorities = useAuthorities();

describe('recorded tokens', () => {
  it('are recorded once; other content under the same id is refused', async () => {
    const authority = await authorities.current.open();
    const tenant = newTenant();
    await authority.recordToken(token(tenant, 't'));
    await authority.recordToken(token(tenant, 't'));
    for (const change of [{ expiresAt: NOW + 2 * HOUR }, { subject: 'x' }, { session: 's' }, { roles: [] }]) {
      await expect(authority.recordToken(token(tenant, 't', change))).rejects.toMatchObject({
        code: 'LEDGER_CONFLICT',
      });
    }
    await expect(authority.recordToken(token(tenant, 'x'.repeat(257)))).rejects.toMatchObject({
      code: 'BAD_QUERY',
    });
  });

  it('are active, revoked (alone, with their subject, or by an epoch) or expired', async () => {
    const authority = await authorities.current.open();
    const tenant = newTenant();
    const scope = { tenant };
    await authority.recordToken(token(tenant, 'good', { epoch: 2 }));
    await authority.recordToken(token(tenant, 'gone', { epoch: 2 }));
    await authority.recordToken(token(tenant, 'subject', { epoch: 2, subject: 'mallory' }));
    await authority.recordToken(token(tenant, 'epoch'));
    await authority.recordToken(token(tenant, 'late', { epoch: 2, expiresAt: NOW }));
    await authority.revoke(scope, {
      ...because,
      tokenIds: ['gone'],
      principals: [{ tenant, id: 'mallory' }],
    });
    await authority.raiseEpoch(tenant, 2, 'ops');
    const ids = async (status: 'active' | 'revoked' | 'expired' | 'all') =>
      (await authority.tokens(scope, { status, now: NOW, limit: 100 })).rows.map(({ id }) => id).sort();
    expect(await ids('active')).toEqual(['good']);
    expect(await ids('revoked')).toEqual(['epoch', 'gone', 'subject']);
    expect(await ids('expired')).toEqual(['late']);
    expect(await ids('all')).toEqual(['epoch', 'gone', 'good', 'late', 'subject']);
    const [row] = (await authority.tokens(scope, { status: 'expired', now: NOW, limit: 1 })).rows;
    expect(row).toEqual({ ...token(tenant, 'late', { epoch: 2, expiresAt: NOW }), status: 'expired' });
    const floored = await authorities.current.open({ floor: () => 5 });
    expect((await floored.tokens(scope, { status: 'active', now: NOW, limit: 9 })).rows).toEqual([]);
  });

  it('refuse limits out of range, unknown statuses, and cursors of another list or by hand', async () => {
    const authority = await authorities.current.open();
    const [tenant, neighbour] = [newTenant(), newTenant()];
    const scope = { tenant };
    for (const id of ['a', 'b', 'c']) await authority.recordToken(token(tenant, id));
    const query = { status: 'all', now: NOW, limit: 1 } as const;
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(authority.tokens(scope, { ...query, limit })).rejects.toMatchObject({ code: 'BAD_QUERY' });
      await expect(authority.revocations(scope, { limit })).rejects.toMatchObject({ code: 'BAD_QUERY' });
      await expect(authority.epochs(scope, { limit })).rejects.toMatchObject({ code: 'BAD_QUERY' });
    }
    await expect(authority.tokens(scope, { ...query, status: 'x' as 'all' })).rejects.toMatchObject({
      code: 'BAD_QUERY',
    });
    const { next } = await authority.tokens(scope, query);
    const cursor = next ?? '';
    expect((await authority.tokens(scope, { ...query, cursor })).rows.map(({ id }) => id)).toEqual(['b']);
    for (const bad of ['', 'x', `${cursor}x`, 'x'.repeat(1_048_576), `'; drop table pf.epochs`]) {
      const refused = { code: 'BAD_CURSOR' };
      await expect(authority.tokens(scope, { ...query, cursor: bad })).rejects.toMatchObject(refused);
    }
    for (const call of [
      authority.tokens({ tenant: neighbour }, { ...query, cursor }),
      authority.tokens(scope, { ...query, status: 'active', cursor }),
      authority.revocations(scope, { limit: 1, cursor }),
      authority.epochs(scope, { limit: 1, cursor }),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'BAD_CURSOR' });
    }
  });

  it('come page by page, each once, for a tenant and for all', async () => {
    const authority = await authorities.current.open();
    const tenants = [newTenant(), newTenant(), newTenant()];
    const record = fc.record({ at: fc.nat(3), of: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (made, limit) => {
          const tokens = made.map(({ at, of }) =>
            token(tenants[of] as string, newName('p'), { expiresAt: NOW + 40 * HOUR + at }),
          );
          for (const one of tokens) await authority.recordToken(one);
          for (const tenant of [...tenants, null]) {
            const met: string[] = [];
            let cursor: string | undefined;
            do {
              const page = await authority.tokens(
                { tenant },
                { status: 'all', now: NOW, limit, ...(cursor === undefined ? {} : { cursor }) },
              );
              for (const row of page.rows) {
                if (tenant !== null) expect(row.tenant).toBe(tenant);
                met.push(`${row.tenant}/${row.id}`);
              }
              cursor = page.next ?? undefined;
            } while (cursor !== undefined);
            expect(new Set(met).size).toBe(met.length);
            for (const one of tokens) {
              if (tenant === null || tenant === one.tenant) expect(met).toContain(`${one.tenant}/${one.id}`);
            }
          }
        },
      ),
      { numRuns: 5 },
    );
  });
});
