import type { LedgerEntry } from '@provability-fabric/evidence';
import { describe, expect, it } from 'vitest';
import { withFault } from '../leases/fake-database.fixture.ts';
import { entriesAfter } from '../testing/ledger-entries.fixture.ts';
import { writeCursor } from './cursor.ts';
import { crypto, payloadOf } from './ledger-database.fixture.ts';
import { openLedgerReader } from './ledger-reader.ts';
import type { StatementFilter } from './statement-list.ts';
import { collect, FROM, newName, newTenant, receipt, useTestLedger } from './test-ledger.fixture.ts';

const PERMISSIONS = ['permission-certificate'];

const ledger = useTestLedger();

describe('lists of statements', () => {
  it('refuse limits out of range, names that are none, and times that are none', async () => {
    const good = { scope: { tenant: newTenant() }, types: PERMISSIONS, limit: 10 };
    const bad = [
      { limit: 0 },
      { limit: -1 },
      { limit: 1_001 },
      { limit: 2.5 },
      { limit: Number.NaN },
      { types: [] },
      { types: ['a\0b'] },
      { types: Array.from({ length: 17 }, (_, i) => `t${i}`) },
      { scope: { tenant: '' } },
      { scope: { tenant: 'x'.repeat(1_048_576) } },
      { session: '' },
      { session: 'a\0b' },
      { principal: 'x'.repeat(1_048_576) },
      { since: -1 },
      { until: Number.POSITIVE_INFINITY },
      { scope: { tenant: null }, session: 's' },
      { scope: { tenant: null }, principal: 'p' },
    ];
    for (const change of bad) {
      await expect(ledger.current.reader.statements({ ...good, ...change })).rejects.toMatchObject({
        code: 'BAD_QUERY',
      });
    }
  });

  it('find nothing for names with SQL in them, and break nothing', async () => {
    const tenant = newTenant();
    await ledger.current.store([receipt(tenant, 'r', FROM)]);
    const hostile = `' or '1'='1'; drop table pf.statements; --`;
    const scope = { tenant };
    const list = async (change: Partial<StatementFilter>) =>
      (await ledger.current.reader.statements({ scope, types: ['access-receipt'], limit: 10, ...change }))
        .rows.length;
    expect(await list({ types: [hostile] })).toBe(0);
    expect(await list({ session: hostile })).toBe(0);
    expect(await list({ principal: hostile })).toBe(0);
    expect(await list({ scope: { tenant: hostile } })).toBe(0);
    expect(await ledger.current.reader.evidence(scope, hostile)).toBeNull();
    expect(await list({ principal: 'bob' })).toBe(1);
  });

  it('refuse cursors that were written by hand, cut, or made for another query', async () => {
    const [tenant, neighbour] = [newTenant(), newTenant()];
    await ledger.current.store([
      receipt(tenant, 'r1', FROM),
      receipt(tenant, 'r2', FROM),
      receipt(neighbour, 'r', FROM),
    ]);
    const query = { scope: { tenant }, types: ['access-receipt'], limit: 1 };
    const cursor = (await ledger.current.reader.statements(query)).next ?? '';
    expect(cursor).not.toBe('');
    const mark = ['statements', tenant, ['access-receipt'], null, null, null, null];
    for (const bad of [
      '',
      'x',
      `${cursor}x`,
      cursor.slice(1),
      'A'.repeat(1_048_576),
      `'; drop table pf.statements; --`,
      Buffer.from('[]').toString('base64url'),
      Buffer.from('null').toString('base64url'),
      writeCursor(mark, [FROM]),
      writeCursor(mark, ['1; drop', 0]),
      writeCursor(mark, [-1, 0]),
      writeCursor(mark, [1e300, 0]),
    ]) {
      await expect(ledger.current.reader.statements({ ...query, cursor: bad })).rejects.toMatchObject({
        code: 'BAD_CURSOR',
      });
    }
    for (const change of [{ scope: { tenant: neighbour } }, { scope: { tenant: null } }, { since: 1 }]) {
      await expect(ledger.current.reader.statements({ ...query, ...change, cursor })).rejects.toMatchObject({
        code: 'BAD_CURSOR',
      });
    }
  });

  it('show each statement with its payload, signature and place', async () => {
    const tenant = newTenant();
    const entries = entriesAfter(undefined, 3, { tenant, session: 's1' });
    await ledger.current.store(entries);
    const { rows, next } = await ledger.current.reader.statements({
      scope: { tenant },
      types: PERMISSIONS,
      limit: 3,
    });
    expect(next).toBeNull();
    const payload = payloadOf(entries[1] as LedgerEntry) as { certificate_id: string };
    expect(rows[1]).toEqual({
      index: expect.any(Number),
      id: payload.certificate_id,
      tenant,
      session: 's1',
      seq: 1,
      type: 'permission-certificate',
      issuedAt: entries[1]?.issuedAt,
      statement: payload,
      signature: Buffer.alloc(64, 7).toString('base64'),
    });
  });

  it('go by time, then index, with the first moment and without the last', async () => {
    const tenant = newTenant();
    const at = (offset: number) => receipt(tenant, newName('r'), FROM + offset);
    await ledger.current.store([at(5), at(1), at(3), at(3), at(9)]);
    const filter = { scope: { tenant }, types: ['access-receipt'] };
    const times = async (change: Partial<StatementFilter>, limit: number) =>
      (await ledger.current.allPages({ ...filter, ...change }, limit)).map(({ issuedAt }) => issuedAt - FROM);
    expect(await times({}, 2)).toEqual([1, 3, 3, 5, 9]);
    expect(await times({ since: FROM + 3, until: FROM + 9 }, 1)).toEqual([3, 3, 5]);
    expect(await times({ since: FROM + 9, until: FROM + 3 }, 1)).toEqual([]);
    expect(await ledger.current.reader.count({ ...filter, since: FROM + 3, until: FROM + 9 })).toBe(3);
    // A cursor that points to before `since` is as good as none.
    const mark = ['statements', tenant, ['access-receipt'], null, null, FROM + 3, null];
    const early = await ledger.current.reader.statements({
      ...filter,
      since: FROM + 3,
      limit: 1,
      cursor: writeCursor(mark, [0, 0]),
    });
    expect(early.rows[0]?.issuedAt).toBe(FROM + 3);
  });

  it('neither repeat nor lose a row while others are added between pages', async () => {
    const tenant = newTenant();
    await ledger.current.store(Array.from({ length: 9 }, (_, i) => receipt(tenant, `a${i}`, FROM + 2 * i)));
    const filter = { scope: { tenant }, types: ['access-receipt'] };
    const met: (string | null)[] = [];
    let cursor: string | undefined;
    for (let page = 0; ; page++) {
      const { rows, next } = await ledger.current.reader.statements({
        ...filter,
        limit: 2,
        ...(cursor ? { cursor } : {}),
      });
      met.push(...rows.map(({ id }) => id));
      if (next === null) break;
      cursor = next;
      await ledger.current.store([receipt(tenant, `b${page}`, FROM + 2 * page + 1)]);
    }
    expect(new Set(met).size).toBe(met.length);
    for (let i = 0; i < 9; i++) expect(met).toContain(`a${i}`);
  });

  it('fill a page by bytes as well, and still come to the end', async () => {
    const tenant = newTenant();
    const large = Array.from({ length: 5 }, (_, i) => receipt(tenant, `r${i}`, FROM + i, 3 * 1024 * 1024));
    await ledger.current.store(large);
    const filter = { scope: { tenant }, types: ['access-receipt'] };
    const first = await ledger.current.reader.statements({ ...filter, limit: 5 });
    expect(first.rows.length).toBe(1);
    expect((await ledger.current.allPages(filter, 5)).map(({ id }) => id)).toEqual([
      'r0',
      'r1',
      'r2',
      'r3',
      'r4',
    ]);
  });

  it('say that a statement was erased', async () => {
    const tenant = newTenant();
    await ledger.current.store([receipt(tenant, 'r', FROM)]);
    await ledger.current.server.database.transaction('pf_writer', (tx) =>
      tx.query('select pf.erase($1, true)', [tenant]),
    );
    const { rows } = await ledger.current.reader.statements({
      scope: { tenant },
      types: ['access-receipt'],
      limit: 1,
    });
    expect(rows[0]).toMatchObject({ id: 'r', statement: null, signature: '' });
    expect(await ledger.current.reader.evidence({ tenant }, 'r')).toBeNull();
  });

  it('are refused by name while the database is gone', async () => {
    const fault = withFault(ledger.current.server.database);
    const cut = openLedgerReader({ database: fault.database, crypto, opener: null, bundles: null });
    fault.set(true);
    const gone = { code: 'LEDGER_UNAVAILABLE' };
    await expect(
      cut.statements({ scope: { tenant: 't' }, types: PERMISSIONS, limit: 1 }),
    ).rejects.toMatchObject(gone);
    await expect(cut.checkpoint()).rejects.toMatchObject(gone);
    await expect(collect(cut.session('t', 's'))).rejects.toMatchObject(gone);
    await expect(cut.evidence({ tenant: 't' }, 'x')).rejects.toMatchObject(gone);
  });
});
