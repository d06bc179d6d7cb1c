// What pfctl asks the ledger's database, under the role that reads all tenants and changes nothing.
import type { Database } from '@provability-fabric/storage';

const TIMEOUT_MS = 120_000;

/** One statement, and so one moment, however much is appended meanwhile. */
const STATE = `
  select origin, size, root, checkpoint,
    (select min(log_index) from pf.statements) as lowest,
    (select max(log_index) from pf.statements) as highest,
    (select coalesce(json_agg(json_build_object('writer', writer, 'position', position) order by writer), '[]')
       from pf.writers) as writers,
    (select coalesce(json_object_agg(writer, count), '{}')
       from (select writer, count(*) from pf.superseded group by writer) as late) as superseded
  from pf.log_state`;

export interface LedgerState {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly checkpoint: string;
  /** Of the rows that are there; null for none. */
  readonly lowest: number | null;
  readonly highest: number | null;
  readonly writers: readonly { readonly writer: string; readonly position: number }[];
  /** How many by each writer. */
  readonly superseded: Readonly<Record<string, number>>;
}

export interface StatementRow {
  readonly index: number;
  readonly digest: Uint8Array;
  readonly tenant: string;
  readonly session: string | null;
  readonly seq: number | null;
  readonly type: string;
  readonly id: string | null;
  readonly principal: string | null;
  readonly verdict: string | null;
  readonly issuedAt: number;
  readonly writer: string;
  /** Both null once erased. */
  readonly envelope: Uint8Array | null;
  readonly salt: Uint8Array | null;
}

/** $1 from, $2 below, $3 rows, $4 bytes: at least one, and then as many as fit. */
const STATEMENTS = `
  with sized as materialized (
    select log_index, row_number() over page as position,
           sum(coalesce(octet_length(envelope), 0)) over page as bytes
    from (select log_index, envelope from pf.statements
          where log_index >= $1 and log_index < $2 order by log_index limit $3) as next
    window page as (order by log_index)
  )
  select s.log_index as index, s.digest, s.tenant, s.session, s.seq, s.type, s.id, s.principal, s.verdict,
         s.issued_at as "issuedAt", s.writer, s.envelope, s.salt
  from sized join pf.statements s on s.log_index = sized.log_index
  where sized.position = 1 or sized.bytes <= $4 order by s.log_index`;

export interface TileRow {
  readonly level: number;
  readonly tile: number;
  readonly hashes: Uint8Array;
}

const TILES = `
  select t.level, t.tile, t.hashes from pf.tiles t
  join unnest($1::smallint[], $2::bigint[]) as w (level, tile) on t.level = w.level and t.tile = w.tile`;

/** Where the ledger says that a session ends, and what it has there. */
export interface SessionRow {
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
  readonly digest: Uint8Array | null;
  /** Of the statement of that seq; null where there is none. */
  readonly index: number | null;
  readonly stored: Uint8Array | null;
  /** Whether there is a statement of the next seq. */
  readonly more: boolean;
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

/** $1: the size. The newest head that each writer shipped. */
const NEWEST_HEADS = `
  select distinct on (writer) writer, log_index as index, envelope from pf.statements
  where type = 'head' and log_index < $1 order by writer, log_index desc`;

export interface HeadRow {
  readonly writer: string;
  readonly index: number;
  readonly envelope: Uint8Array | null;
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

export interface Summary {
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

const LEASE = `
  select l.owner, l.released, l.expires_at < clock_timestamp() as expired, s.seq
  from pf.leases l left join pf.sessions s on s.tenant = l.tenant and s.session = l.session
  where l.tenant = $1 and l.session = $2`;

export interface LeaseRow {
  readonly owner: string;
  readonly released: boolean;
  readonly expired: boolean;
  /** Where the ledger's chain of the session ends; -1 or null for none. */
  readonly seq: number | null;
}

function read<Row>(
  database: Database,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const options = { readOnly: true, timeoutMs: TIMEOUT_MS };
  return database.transaction('pf_auditor', (tx) => tx.query<Row>(text, values), options);
}

/** undefined for a database that no ledger was ever made in. */
export async function readState(database: Database): Promise<LedgerState | undefined> {
  return (await read<LedgerState>(database, STATE))[0];
}

export function readStatements(
  database: Database,
  from: number,
  below: number,
  limit: { readonly rows: number; readonly bytes: number },
): Promise<readonly StatementRow[]> {
  return read(database, STATEMENTS, [from, below, limit.rows, limit.bytes]);
}

export function readTiles(
  database: Database,
  places: readonly { readonly level: number; readonly tile: number }[],
): Promise<readonly TileRow[]> {
  return read(database, TILES, [places.map(({ level }) => level), places.map(({ tile }) => tile)]);
}

export async function* readSessions(database: Database): AsyncGenerator<SessionRow> {
  for (let [tenant, session] = ['', '']; ; ) {
    const rows = await read<SessionRow>(database, SESSIONS, [tenant, session]);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    ({ tenant, session } = last);
  }
}

export function readNewestHeads(database: Database, size: number): Promise<readonly HeadRow[]> {
  return read(database, NEWEST_HEADS, [size]);
}

export async function readSummary(database: Database): Promise<Summary> {
  return (await read<Summary>(database, SUMMARY))[0] as Summary;
}

export async function readLease(
  database: Database,
  tenant: string,
  session: string,
): Promise<LeaseRow | undefined> {
  return (await read<LeaseRow>(database, LEASE, [tenant, session]))[0];
}
