import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, OwnedDatabase } from '../database/database.ts';
import { createTenantLogin } from '../database/tenant-login.ts';
import { LedgerError } from '../errors.ts';
import { startTestServer, type TestServer, until } from '../reader/ledger-database.fixture.ts';
import { connectAs } from '../testing/fresh-database.fixture.ts';
import { openSharedUsage, type UsageCharge } from './usage.ts';

const NOW = 1_800_000_000_000;
const PASSWORD = 'a-password-of-a-tenant';
let server: TestServer;
let other: OwnedDatabase;
let certificates = 0;

beforeAll(async () => {
  server = await startTestServer();
  other = await server.connect();
});
afterAll(() => server?.stop());

function chargeOf(part: Partial<UsageCharge> = {}): UsageCharge {
  return { clause: 'c', unit: 'calls', key: 'tenant', amount: 1, window_ms: 1000, tolerance_ms: 0, ...part };
}

function requestOf(tenant: string, charges: readonly UsageCharge[] = [chargeOf()], at = NOW) {
  certificates += 1;
  return { tenant, certificateId: `c${certificates}`, at, charges };
}

const rows = (database: OwnedDatabase, tenant: string) =>
  database.transaction(
    'pf_auditor',
    (tx) => tx.query<{ at: number }>('select at from pf.usage_charges where tenant = $1', [tenant]),
    { readOnly: true },
  );

describe('shared usage in PostgreSQL', () => {
  it('is seen by its own tenant alone, and changed by none of their logins', async () => {
    const usage = openSharedUsage({ database: server.database });
    for (const tenant of ['acme', 'globex']) await usage.reserve(requestOf(tenant));
    await usage.close();
    const login = await createTenantLogin(server.database, 'acme', PASSWORD);
    const client = await connectAs(server.postgres.url, login, PASSWORD);
    try {
      for (const table of ['usage_counts', 'usage_charges']) {
        for (const before of ['select 1', `set pf.tenant = 'globex'`, 'set role pf_reader', 'reset role']) {
          await client.query(before);
          const { rows: seen } = await client.query(`select distinct tenant from pf.${table}`);
          expect(seen, before).toEqual([{ tenant: 'acme' }]);
        }
      }
      for (const attempt of [
        `select pf.reserve_usage('acme', '[]')`,
        `select pf.release_usage('globex', '[]')`,
        `select pf.lock_usage('globex', 'c', 'calls', 'tenant')`,
        `select pf.prune_usage(0, 1)`,
        `delete from pf.usage_charges`,
        `update pf.usage_counts set total = 0`,
        `insert into pf.usage_counts values ('acme', 'c', 'calls', 'k', 0, 0, 0)`,
        'truncate pf.usage_counts',
        'set role pf_writer',
      ])
        await expect(client.query(attempt), attempt).rejects.toMatchObject({ code: '42501' });
    } finally {
      await client.end();
    }
  });

  it('binds a writer that acts for one tenant to that tenant', async () => {
    const attempt = '00000000-0000-0000-0000-000000000000';
    const charge = { place: 0, certificate: 'forged', attempt, at: 1, amount: 1, reach: null };
    const forged = { clause: 'c', unit: 'calls', key: 'tenant', charges: [charge] };
    const reserve = (tenant: string) =>
      server.database.transaction(
        'pf_writer',
        (tx) => tx.query('select pf.reserve_usage($1, $2)', [tenant, JSON.stringify([forged])]),
        { tenant: 'acme', timeoutMs: 2_000 },
      );
    await reserve('acme');
    await expect(reserve('globex')).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
  });

  it('reserves several counts at once from both ends without waiting for itself', async () => {
    const [one, two] = [openSharedUsage({ database: server.database }), openSharedUsage({ database: other })];
    const charges = ['a', 'b', 'd', 'e'].map((clause) => chargeOf({ clause }));
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : two).reserve(
          requestOf('several', index % 2 === 0 ? charges : charges.toReversed()),
        ),
      ),
    );
    for (const place of [0, 1, 2, 3]) {
      const seen = all.map(({ used }, index) => used[index % 2 === 0 ? place : 3 - place] as number);
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    }
    await Promise.all(all.map(({ release }) => release(['a', 'b', 'd', 'e'])));
    expect(await rows(other, 'several')).toEqual([]);
    await one.close();
    await two.close();
  });

  it('keeps no charge that has left its window, and prunes counts that nobody takes from', async () => {
    const usage = openSharedUsage({ database: server.database, pruneEveryMs: 20 });
    const old = Date.now() - 10 * 86_400_000;
    for (let index = 0; index < 5; index += 1)
      await usage.reserve(requestOf('moving', [chargeOf()], old + index * 2000));
    await until('the count is pruned', async () => (await rows(server.database, 'moving')).length === 0);
    await usage.reserve(requestOf('moving', [chargeOf({ window_ms: null })], old));
    for (let index = 0; index < 3; index += 1)
      await usage.reserve(requestOf('kept', [chargeOf()], Date.now() + index * 2000));
    expect(await rows(server.database, 'kept')).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await rows(server.database, 'moving')).toHaveLength(1);
    await usage.close();
  });

  it('refuses names and amounts that it could not keep as they are', async () => {
    const usage = openSharedUsage({ database: server.database });
    for (const charge of [
      chargeOf({ key: 'a\0b' }),
      chargeOf({ key: '' }),
      chargeOf({ clause: '\ud800' }),
      chargeOf({ key: 'x'.repeat(513) }),
      chargeOf({ amount: 0 }),
      chargeOf({ amount: -1 }),
      chargeOf({ amount: 0.5 }),
      chargeOf({ amount: Number.NaN }),
    ])
      await expect(usage.reserve(requestOf('acme', [charge]))).rejects.toMatchObject({ code: 'BAD_QUERY' });
    await usage.close();
  });

  it('forgets what it was not answered on, even where that was kept, once the database is there again', async () => {
    let isLost = false;
    const losing: Database = {
      ...server.database,
      // The answer to a commit is lost, and nobody can know whether it happened.
      transaction: async (role, work, options) => {
        const value = await server.database.transaction(role, work, options);
        if (isLost) throw new LedgerError('LEDGER_UNAVAILABLE', 'lost, as this test wants it');
        return value;
      },
    };
    const usage = openSharedUsage({ database: losing });
    const [kept, given] = [await usage.reserve(requestOf('lossy')), await usage.reserve(requestOf('lossy'))];
    isLost = true;
    for (let times = 0; times < 3; times += 1)
      await expect(usage.reserve(requestOf('lossy'))).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    await expect(given.release(['c'])).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    isLost = false;
    expect((await usage.reserve(requestOf('lossy'))).used).toEqual([1]);
    await kept.release(['c']);
    expect(await rows(server.database, 'lossy')).toHaveLength(1);
    await usage.close();
  });

  it('throws by name where the database does not answer, and holds nobody up', async () => {
    const closed = await server.connect();
    await closed.close();
    const usage = openSharedUsage({ database: closed });
    await expect(usage.reserve(requestOf('acme'))).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    await usage.close();
  });
});
