import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import type { LedgerScope } from '../reader/scope.ts';
import { type AuditPage, type AuditPaging, type AuditQuery, listAudit } from './audit-list.ts';
import { createAuditQueue } from './audit-queue.ts';
import { type AuditRow, asColumns, COLUMNS } from './audit-row.ts';
import { isBadParameter, isMissingTable } from './sql-state.ts';

export interface SecretAuditLog {
  /**
   * Durable when it resolves; where it throws, all of the rows are kept or none. The same rows again are kept once. Calls
   * that come meanwhile share a transaction. Throws LEDGER_UNAVAILABLE, also beyond 20,000 rows that wait; BAD_ENTRY for
   * a row that the table would not take.
   */
  append(rows: readonly AuditRow[]): Promise<void>;
  list(scope: LedgerScope, query: AuditQuery, paging: AuditPaging): Promise<AuditPage>;
  /** Of all tenants, what no statement of the ledger attests; `since` in ms since 1970. */
  unattested(since: number, paging: AuditPaging): Promise<AuditPage>;
  /**
   * Makes the partitions of the months to come, and lets those go of which all is older than `olderThan` (ms since 1970):
   * their names. Refused with BAD_QUERY for less than 90 days ago. To be called about once a day.
   */
  drop(olderThan: number): Promise<readonly string[]>;
  /** Ends when what waits is kept. */
  close(): Promise<void>;
}

export interface SecretAuditLogOptions {
  readonly database: Database;
}

const TIMEOUT_MS = 5_000;
const NAMES = COLUMNS.map(([name]) => name);
const INSERT = `
  insert into public.secret_audit_logs (${NAMES.join(', ')})
  select ${NAMES.map((name) => (name === 'timestamp' ? `timestamptz 'epoch' + timestamp * interval '1 ms'` : name)).join(', ')}
  from unnest(${COLUMNS.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ')}) as r (${NAMES.join(', ')})
  on conflict do nothing`;

/** `public.secret_audit_logs`, as the service writes and reads it. */
export function openSecretAuditLog({ database }: SecretAuditLogOptions): SecretAuditLog {
  const queue = createAuditQueue(async (rows) => {
    const columns = COLUMNS.map((_, at) => rows.map((row) => row[at]));
    await there(() =>
      database.transaction('pf_secrets', (tx) => tx.query(INSERT, columns), { timeoutMs: TIMEOUT_MS }),
    );
  });

  return {
    append: async (rows) => queue.add(rows.map(asColumns)),
    list: (scope, query, paging) => there(() => listAudit(database, scope, query, paging)),
    unattested: (since, paging) =>
      there(() => listAudit(database, { tenant: null }, { since, attested: false }, paging)),
    drop: (olderThan) => there(() => dropPartitions(database, olderThan)),
    close: () => queue.close(),
  };
}

async function dropPartitions(database: Database, olderThan: number): Promise<readonly string[]> {
  const work = database.transaction('pf_secrets', async (tx) => {
    await tx.query('select public.secret_audit_logs_extend()');
    return tx.query<{ name: string }>(
      `select name from public.secret_audit_logs_drop(timestamptz 'epoch' + $1::bigint * interval '1 ms') name`,
      [olderThan],
    );
  });
  try {
    return (await work).map(({ name }) => name);
  } catch (error) {
    if (!isBadParameter(error)) throw error;
    throw new LedgerError(
      'BAD_QUERY',
      'expected a time of at least 90 days ago; younger audit rows are kept',
    );
  }
}

async function there<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isMissingTable(error)) throw error;
    throw new LedgerError(
      'LEDGER_SCHEMA_OLDER',
      'expected the table `public.secret_audit_logs`, got none; run `supabase/migrations/20241129_secret_audit_logs.sql` ' +
        'with psql',
    );
  }
}
