import type { Database } from '../database/database.ts';
import { readAsAuditor } from './read-as-auditor.ts';

/** How the database and what is in it are, beside the log itself. */
export interface LedgerSummary {
  /** PostgreSQL's own version. */
  readonly server: string;
  readonly schema: number;
  readonly standby: boolean;
  readonly readOnly: boolean;
  readonly unsafe: boolean;
  /** Of the newest statement, ms since 1970. */
  readonly newest: number | null;
  readonly sessions: number;
  readonly leased: number;
  /** Sessions whose owner has gone without releasing them, and that no other may take. */
  readonly waiting: number;
}

const SUMMARY = `
  select current_setting('server_version') as server,
    (select max(version) from pf.schema_migrations) as schema,
    pg_is_in_recovery() as standby,
    current_setting('default_transaction_read_only') = 'on' as "readOnly",
    current_setting('fsync') = 'off' or current_setting('full_page_writes') = 'off' as unsafe,
    (select issued_at from pf.statements order by log_index desc limit 1) as newest,
    (select count(*) from pf.sessions where seq >= 0) as sessions,
    (select count(*) from pf.leases where not released) as leased,
    (select count(*) from pf.leases
      where not released and assurance = 'standard' and expires_at < clock_timestamp() - interval '1 minute') as waiting`;

export async function readLedgerSummary(database: Database): Promise<LedgerSummary> {
  return (await readAsAuditor<LedgerSummary>(database, SUMMARY))[0] as LedgerSummary;
}
