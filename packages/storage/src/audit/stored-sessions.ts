import type { Database } from '../database/database.ts';
import { readAsAuditor } from './read-as-auditor.ts';

/** Where the ledger says that a session ends, and what it has there. */
export interface StoredSession {
  readonly tenant: string;
  readonly session: string;
  /** -1 where a fence is all there is yet. */
  readonly seq: number;
  readonly digest: Uint8Array | null;
  /** Of the statement of that seq; null where there is none. */
  readonly index: number | null;
  readonly stored: Uint8Array | null;
  /** Whether there is a statement of the next seq. */
  readonly more: boolean;
}

/** Who may decide a session, and how far the ledger has it. */
export interface StoredLease {
  readonly owner: string;
  readonly released: boolean;
  readonly expired: boolean;
  /** Where the ledger's chain of the session ends; -1 or null for none. */
  readonly seq: number | null;
}

/** $1 and $2 the last one of the page before. */
const SESSIONS = `
  select s.tenant, s.session, s.seq, s.digest, t.log_index as index, t.digest as stored,
    exists (select from pf.statements n
            where n.tenant = s.tenant and n.session = s.session and n.seq = s.seq + 1) as more
  from (select tenant, session, seq, digest from pf.sessions
        where (tenant, session) > ($1, $2) order by tenant, session limit 1000) as s
  left join pf.statements t on t.tenant = s.tenant and t.session = s.session and t.seq = s.seq
  order by s.tenant, s.session`;

/** $1 tenants, $2 sessions. */
const NAMED_SESSIONS = `
  select s.tenant, s.session, s.seq, s.digest, t.log_index as index, t.digest as stored,
    exists (select from pf.statements n
            where n.tenant = s.tenant and n.session = s.session and n.seq = s.seq + 1) as more
  from unnest($1::text[], $2::text[]) as wanted (tenant, session)
  join pf.sessions s on s.tenant = wanted.tenant and s.session = wanted.session
  left join pf.statements t on t.tenant = s.tenant and t.session = s.session and t.seq = s.seq`;
const AT_ONCE = 1000;

const LEASE = `
  select l.owner, l.released, l.expires_at < clock_timestamp() as expired, s.seq
  from pf.leases l left join pf.sessions s on s.tenant = l.tenant and s.session = l.session
  where l.tenant = $1 and l.session = $2`;

/** All of them, page by page: each page is of its own moment. */
export async function* readStoredSessions(database: Database): AsyncGenerator<StoredSession> {
  for (let [tenant, session] = ['', '']; ; ) {
    const rows = await readAsAuditor<StoredSession>(database, SESSIONS, [tenant, session]);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    ({ tenant, session } = last);
  }
}

/** Those of these names that the ledger has a record of. */
export async function* readNamedSessions(
  database: Database,
  names: readonly { readonly tenant: string; readonly session: string }[],
): AsyncGenerator<StoredSession> {
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE);
    yield* await readAsAuditor<StoredSession>(database, NAMED_SESSIONS, [
      some.map(({ tenant }) => tenant),
      some.map(({ session }) => session),
    ]);
  }
}

/** undefined for a session that several fabrics never shared. */
export async function readStoredLease(
  database: Database,
  tenant: string,
  session: string,
): Promise<StoredLease | undefined> {
  return (await readAsAuditor<StoredLease>(database, LEASE, [tenant, session]))[0];
}
