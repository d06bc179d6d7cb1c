import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Transaction } from '../database/database.ts';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { DIGEST, NOW, rowOf } from './audit-row.fixture.ts';
import type { AuditRow } from './audit-row.ts';
import { openSecretAuditLog, type SecretAuditLog } from './secret-audit-log.ts';

let server: TestServer;
let audit: SecretAuditLog;
beforeAll(async () => {
  server = await startTestServer();
  audit = openSecretAuditLog({ database: server.database });
});
afterAll(async () => {
  await audit?.close();
  await server?.stop();
});

/** The database, with each transaction counted, and held up or failed where that is asked for. */
function watched(hold: () => Promise<void> = async () => undefined) {
  const seen = { transactions: 0, committed: 0 };
  const database: Database = {
    ...server.database,
    async transaction(role, work, options) {
      seen.transactions += 1;
      await hold();
      const value = await server.database.transaction(role, work, options);
      seen.committed += 1;
      return value;
    },
  };
  return { seen, database };
}

describe('adding to the audit log', () => {
  it('refuses a row that the table would not take by itself, and not those beside it', async () => {
    const tenant = 'beside-bad-rows';
    const bad: readonly Partial<AuditRow>[] = [
      { id: 'no-uuid' },
      { tenant: '' },
      { tenant: 'a\0b' },
      { principal: 'x'.repeat(257) },
      { principal: '\ud800' },
      { secret: 'x'.repeat(256) },
      { version: 1.5 },
      { at: Number.NaN },
      { at: -1 },
      { at: Date.UTC(2200, 0, 1) },
      { errorCode: '' },
      { statementDigest: 'short' },
      { details: { tool: 'x'.repeat(20_000) } },
      { details: { tool: 'a\0b' } },
      { details: { 'a\0b': 1 } },
      { details: { tool: '\udc00' } },
    ];
    const answers = await Promise.allSettled([
      ...bad.map((part) => audit.append([rowOf({ tenant, ...part })])),
      ...Array.from({ length: 5 }, () => audit.append([rowOf({ tenant })])),
    ]);
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'kept'));
    expect(codes).toEqual([...bad.map(() => 'BAD_ENTRY'), ...Array(5).fill('kept')]);
    for (const answer of answers)
      if (answer.status === 'rejected')
        expect(answer.reason.message).not.toMatch(/no-uuid|short|db\/primary/);
    expect((await audit.list({ tenant }, {}, { limit: 100 })).rows).toHaveLength(5);
  });

  it('keeps what it was given, and the same again once', async () => {
    const tenant = 'given';
    const whole = rowOf({
      tenant,
      version: 7,
      result: 'FAILURE',
      errorCode: 'SECRET_NOT_FOUND',
      details: { tool: `quote' " \\ { } , and ünïcode`, times: 3, cached: true },
    });
    const bare = rowOf({ tenant, action: 'LIST', secret: '', at: NOW - 1, statementDigest: null });
    await audit.append([whole, bare]);
    await audit.append([whole, bare]);
    const { rows, next } = await audit.list({ tenant }, {}, { limit: 10 });
    expect(next).toBeNull();
    const recordedAt = expect.any(Number);
    expect(rows).toEqual([
      { ...whole, recordedAt },
      { ...bare, recordedAt },
    ]);
    expect(Math.abs((rows[0]?.recordedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    await audit.append([]);
  });

  it('puts those that come while one is under way into the next, and answers none of them before its commit', async () => {
    const { seen, database } = watched(() => wait(20));
    const log = openSecretAuditLog({ database });
    const answered: number[] = [];
    await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        await log.append([rowOf({ tenant: 'grouped', secret: `s${at}` })]);
        answered.push(seen.committed);
      }),
    );
    expect(seen.transactions).toBe(2);
    expect(answered).toEqual([1, ...Array(99).fill(2)]);
    await log.close();
    await expect(log.append([rowOf()])).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect((await audit.list({ tenant: 'grouped' }, {}, { limit: 1_000 })).rows).toHaveLength(100);
  });

  it('fails all that shared a transaction which failed, and goes on with the next', async () => {
    let failing = true;
    const { database } = watched(async () => {
      if (failing) throw new RangeError('the fault');
    });
    const log = openSecretAuditLog({ database });
    const answers = await Promise.allSettled([1, 2, 3].map(() => log.append([rowOf({ tenant: 'failed' })])));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    failing = false;
    await log.append([rowOf({ tenant: 'failed' })]);
    await log.close();
    expect((await audit.list({ tenant: 'failed' }, {}, { limit: 10 })).rows).toHaveLength(1);
  });

  it('takes no more than so many that wait', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { database } = watched(() => held);
    const log = openSecretAuditLog({ database });
    const many = Array.from({ length: 10_000 }, () => rowOf({ tenant: 'crowd' }));
    const accepted = [log.append(many), log.append(many)];
    await expect(log.append([rowOf({ tenant: 'crowd' })])).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      message: expect.stringContaining('rows wait'),
    });
    release();
    await Promise.all(accepted);
    await log.close();
  });

  it('is on disk when it resolves, where the server would not wait for that', async () => {
    await server.database.asOwner((tx) => tx.query('alter role fabric set synchronous_commit = off'));
    const database = await server.connect();
    const asked: string[] = [];
    const seeing: Database = {
      ...database,
      transaction: (role, work, options) =>
        database.transaction(
          role,
          async (tx: Transaction) => {
            const value = await work(tx);
            asked.push(
              ...(await tx.query<{ s: string }>('show synchronous_commit')).map((r) => JSON.stringify(r)),
            );
            return value;
          },
          options,
        ),
    };
    await openSecretAuditLog({ database: seeing }).append([rowOf({ tenant: 'durable' })]);
    await server.database.asOwner((tx) => tx.query('alter role fabric reset synchronous_commit'));
    expect(asked).toEqual(['{"synchronous_commit":"on"}']);
  });
});

describe('reading the audit log', () => {
  const TENANTS = ['lists-a', 'lists-b'];
  beforeAll(async () => {
    const rows = TENANTS.flatMap((tenant) =>
      Array.from({ length: 25 }, (_, at) =>
        rowOf({
          tenant,
          secret: `s${at % 3}`,
          principal: `p${at % 2}`,
          result: at % 5 === 0 ? 'DENIED' : 'SUCCESS',
          // Several of one time, so that the id decides.
          at: NOW + 1_000_000 + Math.floor(at / 4),
          statementDigest: at % 2 === 0 ? null : DIGEST,
        }),
      ),
    );
    await audit.append(rows);
  });

  async function pages(scope: { readonly tenant: string | null }, limit: number) {
    const found: { tenant: string; id: string; at: number }[] = [];
    let cursor: string | undefined;
    do {
      const page = await audit.list(
        scope,
        { since: NOW + 1_000_000 },
        { limit, ...(cursor !== undefined && { cursor }) },
      );
      found.push(...page.rows);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    return found;
  }

  it("shows a tenant what is its own, and a cursor or name of another's nothing more", async () => {
    for (const tenant of TENANTS) {
      const rows = await pages({ tenant }, 7);
      expect(new Set(rows.map((row) => row.tenant))).toEqual(new Set([tenant]));
      expect(new Set(rows.map(({ id }) => id)).size).toBe(25);
    }
    const [first, second] = TENANTS as [string, string];
    const { next } = await audit.list({ tenant: first }, {}, { limit: 1 });
    await expect(
      audit.list({ tenant: second }, {}, { limit: 1, cursor: next as string }),
    ).rejects.toMatchObject({ code: 'BAD_CURSOR' });
    await expect(audit.list({ tenant: '' }, {}, { limit: 1 })).rejects.toMatchObject({ code: 'BAD_QUERY' });
    for (const limit of [0, 1_001, 1.5])
      await expect(audit.list({ tenant: null }, {}, { limit })).rejects.toMatchObject({ code: 'BAD_QUERY' });
  });

  it.each([1, 3, 25, 1_000])('is complete and newest first in pages of %i', async (limit) => {
    for (const scope of [{ tenant: TENANTS[0] as string }, { tenant: null }]) {
      const rows = await pages(scope, limit);
      const sorted = [...rows].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
      expect(rows).toEqual(sorted);
      expect(new Set(rows.map(({ id }) => id)).size).toBe(scope.tenant === null ? 50 : 25);
    }
  });

  it('finds by secret, principal, result, time and whether a statement attests it', async () => {
    const tenant = TENANTS[0] as string;
    const count = async (query: Parameters<typeof audit.list>[1]) =>
      (await audit.list({ tenant }, query, { limit: 1_000 })).rows.length;
    expect(await count({ secret: 's0' })).toBe(9);
    expect(await count({ principal: 'p1', secret: 's0' })).toBe(4);
    expect(await count({ result: 'DENIED' })).toBe(5);
    expect(await count({ action: 'WRITE' })).toBe(0);
    expect(await count({ attested: false })).toBe(13);
    expect(await count({ since: NOW + 1_000_001, until: NOW + 1_000_002 })).toBe(4);
    const { rows } = await audit.unattested(NOW + 1_000_000, { limit: 1_000 });
    expect(rows).toHaveLength(26);
    expect(rows.every(({ statementDigest }) => statementDigest === null)).toBe(true);
  });
});

describe('a page out of many rows', () => {
  it('comes by the index of its tenant and time, of its secret, of all tenants or of what is unattested', async () => {
    await server.database.transaction('pf_secrets', (tx) =>
      tx.query(
        `insert into public.secret_audit_logs (tenant_id, user_id, secret_key, action, result, timestamp, statement_digest)
         select case when i % 5000 = 0 then 'small' else 'large' end, 'p', 's' || i % 100, 'READ', 'SUCCESS',
                now() - i * interval '1 second', case when i % 4000 <> 1 then repeat('ab', 32) end
         from generate_series(1, 20000) i`,
      ),
    );
    await server.database.asOwner((tx) => tx.query('analyze public.secret_audit_logs'));
    for (const tenant of ['large', 'small', 'nobody']) {
      expect(await plansOf((log) => log.list({ tenant }, {}, { limit: 50 }))).toBe('tenant_id_timestamp_id');
      const bySecret = plansOf((log) => log.list({ tenant }, { secret: 's7' }, { limit: 50 }));
      expect(await bySecret).toBe('tenant_id_secret_key_timestamp_id');
    }
    expect(await plansOf((log) => log.list({ tenant: null }, {}, { limit: 50 }))).toBe('timezone_id');
    expect(await plansOf((log) => log.unattested(0, { limit: 50 }))).toBe('timezone_id1');
  });

  /** Which columns the index of this month's partition is named after; `Seq Scan` where it is read whole. */
  async function plansOf(act: (log: SecretAuditLog) => Promise<unknown>): Promise<string> {
    const plans: string[] = [];
    const explaining = (tx: Transaction): Transaction => ({
      async query(text, values) {
        const plan = await tx.query<{ 'QUERY PLAN': string }>(`explain (costs off) ${text}`, values);
        plans.push(...plan.map((row) => row['QUERY PLAN']));
        return tx.query(text, values);
      },
    });
    const database: Database = {
      ...server.database,
      transaction: (role, work, options) =>
        server.database.transaction(role, (tx) => work(explaining(tx)), options),
    };
    await act(openSecretAuditLog({ database }));
    const month = new Date().toISOString().slice(0, 7).replace('-', '_');
    const scans = plans.filter((line) => /Seq Scan|_idx/.test(line) && line.includes(`_logs_${month}`));
    const used = scans.map((line) => new RegExp(`_${month}_(\\w+?)_idx(\\d*)`).exec(line));
    return [...new Set(used.map((found) => (found === null ? 'Seq Scan' : `${found[1]}${found[2]}`)))].join();
  }
});

describe('the audit log over time', () => {
  it('keeps what is younger than 90 days', async () => {
    const days = (count: number) => Date.now() - count * 86_400_000;
    for (const time of [days(0), days(89.9), days(-5), Number.MAX_SAFE_INTEGER])
      await expect(audit.drop(time)).rejects.toMatchObject({ code: expect.stringMatching(/BAD_QUERY/) });
    expect(await audit.drop(days(90.1))).toEqual([]);
  });
});
