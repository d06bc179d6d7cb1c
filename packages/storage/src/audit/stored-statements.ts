// The rows as they are stored, unchecked: whoever can write to the database decided what is in them.
import type { Database } from '../database/database.ts';
import { readAsAuditor } from './read-as-auditor.ts';

export interface StoredStatement {
  readonly index: number;
  readonly digest: Uint8Array;
  readonly tenant: string;
  readonly session: string | null;
  readonly seq: number | null;
  readonly type: string;
  readonly id: string | null;
  readonly principal: string | null;
  readonly verdict: string | null;
  /** ms since 1970. */
  readonly issuedAt: number;
  readonly writer: string;
  /** Both null once erased. */
  readonly envelope: Uint8Array | null;
  readonly salt: Uint8Array | null;
}

/** The newest head that a writer shipped. */
export interface StoredHead {
  readonly writer: string;
  readonly index: number;
  readonly envelope: Uint8Array | null;
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

/** $1 from, $2 how many. */
const NEWEST_OF = `
  select max(issued_at) as at from pf.statements where log_index >= $1 and log_index < $1::bigint + $2::bigint`;

/** $1 tenants, $2 sessions, $3 seqs. */
const ENDS = `
  select s.tenant, s.session, s.seq, s.digest
  from unnest($1::text[], $2::text[], $3::bigint[]) as wanted (tenant, session, seq)
  join pf.statements s on s.tenant = wanted.tenant and s.session = wanted.session and s.seq = wanted.seq`;

/** $1: the size. */
const NEWEST_HEADS = `
  select distinct on (writer) writer, log_index as index, envelope from pf.statements
  where type = 'head' and log_index < $1 order by writer, log_index desc`;

/** In log order, from this index on and below that one: at least one where there is any, and then as many as fit. */
export function readStoredStatements(
  database: Database,
  from: number,
  below: number,
  limit: { readonly rows: number; readonly bytes: number },
): Promise<readonly StoredStatement[]> {
  return readAsAuditor(database, STATEMENTS, [from, below, limit.rows, limit.bytes]);
}

const STRIDE = 256;
/** Fabrics ship within seconds, and their clocks may differ. */
const SLACK_MS = 600_000;

/**
 * From which entry on everything lies that was issued since, as far as the order of the log and the clocks of its writers
 * agree within ten minutes. `size` entries are looked at.
 */
export async function findIndexSince(database: Database, since: number, size: number): Promise<number> {
  let [low, high] = [0, Math.ceil(size / STRIDE)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await readAsAuditor<{ at: number | null }>(database, NEWEST_OF, [middle * STRIDE, STRIDE]);
    if ((row?.at ?? 0) < since - SLACK_MS) low = middle + 1;
    else high = middle;
  }
  return Math.min(size, low * STRIDE);
}

/** The digests of statements by their place; of those that are not there, nothing. */
export function readStatementDigests(
  database: Database,
  places: readonly { readonly tenant: string; readonly session: string; readonly seq: number }[],
): Promise<
  readonly {
    readonly tenant: string;
    readonly session: string;
    readonly seq: number;
    readonly digest: Uint8Array;
  }[]
> {
  return readAsAuditor(database, ENDS, [
    places.map(({ tenant }) => tenant),
    places.map(({ session }) => session),
    places.map(({ seq }) => seq),
  ]);
}

/** Of each writer that has one among the first `size` entries. */
export function readNewestHeads(database: Database, size: number): Promise<readonly StoredHead[]> {
  return readAsAuditor(database, NEWEST_HEADS, [size]);
}
