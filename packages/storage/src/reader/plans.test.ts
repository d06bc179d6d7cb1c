import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Transaction } from '../database/database.ts';
import { crypto, startTestServer, type TestServer } from './ledger-database.fixture.ts';
import { openLedgerReader } from './ledger-reader.ts';
import type { StatementQuery } from './statement-list.ts';

const ROWS = 60_000;
const FROM = 1_767_225_600_000;

let server: TestServer;

/** Which indexes a list reads, and whether it reads the whole table, by the plan of the very same statement. */
async function planOf(
  query: StatementQuery,
): Promise<{ readonly indexes: string[]; readonly scans: boolean }> {
  const plans: string[] = [];
  const explaining = (tx: Transaction): Transaction => ({
    async query(text, values) {
      const rows = await tx.query<Readonly<Record<string, unknown>>>(`explain (format json) ${text}`, values);
      plans.push(JSON.stringify(rows));
      return tx.query(text, values);
    },
  });
  const database: Database = {
    ...server.database,
    transaction: (role, work, options) =>
      server.database.transaction(role, (tx) => work(explaining(tx)), options),
  };
  const reader = openLedgerReader({ database, crypto, opener: null, bundles: null });
  await reader.statements(query).catch((error: unknown) => {
    // The rows here hold no envelope worth the name; the plan is all that counts.
    if ((error as { code?: string }).code !== 'LEDGER_CORRUPT') throw error;
  });
  const plan = plans.join();
  return {
    indexes: [...plan.matchAll(/"Index Name":"([^"]+)"/g)].map(([, name]) => name as string),
    scans: plan.includes('"Seq Scan"') && plan.includes('"Relation Name":"statements","Alias":"s"'),
  };
}

describe('a page out of many rows', () => {
  beforeAll(async () => {
    server = await startTestServer();
    await server.database.transaction('pf_writer', (tx) =>
      tx.query(
        `insert into pf.statements (log_index, digest, tenant, session, seq, type, principal, issued_at, writer, envelope)
         select i, sha256(int8send(i)), case when i % 10000 = 0 then 'small' else 'large' end, 's' || i % 50, i / 50,
                (array['access-receipt', 'permission-certificate', 'outcome-certificate'])[1 + i % 3],
                'agent-' || i % 7, ${FROM} + i, 'w', 'x'
         from generate_series(0::bigint, ${ROWS - 1}) as i`,
      ),
    );
  });
  afterAll(() => server?.stop());

  const types = ['access-receipt', 'permission-certificate'];
  const since = FROM + ROWS / 2;

  it.each([['large'], ['small'], ['nobody']])(
    'comes by the index of tenants and time for %s',
    async (tenant) => {
      for (const analyzed of [false, true]) {
        if (analyzed) await server.database.asOwner((tx) => tx.query('analyze pf.statements'));
        const { indexes, scans } = await planOf({ scope: { tenant }, types, since, limit: 100 });
        expect(scans).toBe(false);
        expect(indexes).toContain('statements_by_time');
        expect(indexes).not.toContain('statements_of_all');
      }
    },
  );

  it('comes by the index of all tenants for an auditor', async () => {
    const { indexes, scans } = await planOf({ scope: { tenant: null }, types, since, limit: 100 });
    expect(scans).toBe(false);
    expect(indexes).toContain('statements_of_all');
  });

  it('comes by the index of its session or principal', async () => {
    const scope = { tenant: 'large' };
    const session = await planOf({ scope, types, session: 's7', limit: 100 });
    expect(session.scans).toBe(false);
    expect(session.indexes).toContain('statements_by_session');
    const principal = await planOf({ scope, types, principal: 'agent-3', limit: 100 });
    expect(principal.scans).toBe(false);
    expect(principal.indexes).toContain('statements_by_principal');
  });
});
