import type { Crypto, JsonValue } from '@provability-fabric/kernel';
import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { openStored } from './envelope.ts';
import { requireName } from './name.ts';
import { type LedgerScope, readIn, requireLimit } from './scope.ts';

export interface StatementFilter {
  readonly scope: LedgerScope;
  readonly types: readonly string[];
  /** These two need the scope of one tenant: the names are its own. */
  readonly session?: string;
  readonly principal?: string;
  /** ms since 1970, the first that counts. */
  readonly since?: number;
  /** ms since 1970, the first that no longer counts. */
  readonly until?: number;
}

export interface StatementQuery extends StatementFilter {
  /** 1 to 1,000. A page may be shorter than that and still not be the last: `next` says. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface StatementRow {
  readonly index: number;
  readonly id: string | null;
  readonly tenant: string;
  readonly session: string | null;
  readonly seq: number | null;
  readonly type: string;
  readonly issuedAt: number;
  /** The payload; null once it was erased. */
  readonly statement: JsonValue;
  /** Base64. */
  readonly signature: string;
}

export interface StatementPage {
  readonly rows: readonly StatementRow[];
  readonly next: string | null;
}

const MOST_TYPES = 16;
/** Envelopes on one page. A single larger one is a page of its own. */
const PAGE_BYTES = 4 * 1024 * 1024;
const LIST_TIMEOUT_MS = 10_000;
const COUNT_TIMEOUT_MS = 30_000;

interface StoredRow extends Omit<StatementRow, 'statement' | 'signature'> {
  readonly digest: Uint8Array;
  readonly envelope: Uint8Array | null;
  readonly found: number;
}

/** By (issued_at, index). */
export async function listStatements(
  database: Database,
  crypto: Crypto,
  query: StatementQuery,
): Promise<StatementPage> {
  const limit = requireLimit(query.limit);
  const { scope, cursor } = query;
  const mark = markOf(query);
  const { values, since } = conditions(query);
  let after = [since, -1];
  if (cursor !== undefined) {
    const [issuedAt, index] = readCursor(cursor, mark, ['count', 'count']) as [number, number];
    // One that was written by hand may point to before the time that was asked for.
    if (issuedAt >= since) after = [issuedAt, index];
  }
  const stored = await readIn(
    database,
    scope,
    (tx) => tx.query<StoredRow>(pageText(query), [...values, ...after, limit, PAGE_BYTES]),
    LIST_TIMEOUT_MS,
  );
  const last = stored.at(-1);
  return {
    rows: stored.map((row) => shown(crypto, row)),
    next: last && last.found > stored.length ? writeCursor(mark, [last.issuedAt, last.index]) : null,
  };
}

export async function countStatements(database: Database, query: StatementFilter): Promise<number> {
  const { values, since } = conditions(query);
  const [row] = await readIn(
    database,
    query.scope,
    (tx) => tx.query<{ count: number }>(countText(query), [...values, since]),
    COUNT_TIMEOUT_MS,
  );
  return row?.count ?? 0;
}

function shown(crypto: Crypto, { digest, envelope, found: _, ...row }: StoredRow): StatementRow {
  if (envelope === null) return { ...row, statement: null, signature: '' };
  const { statement, signature } = openStored(crypto, row.index, envelope, digest);
  return { ...row, statement, signature };
}

function markOf({ scope, types, session, principal, since, until }: StatementFilter): unknown {
  return [
    'statements',
    scope.tenant,
    types,
    session ?? null,
    principal ?? null,
    since ?? null,
    until ?? null,
  ];
}

/** $1 types, $2 until, $3 session, $4 principal. */
function conditions(query: StatementFilter): { readonly values: readonly unknown[]; readonly since: number } {
  const { scope, session, principal, since = 0, until = Number.MAX_SAFE_INTEGER } = query;
  const types = [...new Set(query.types)];
  if (types.length < 1 || types.length > MOST_TYPES) {
    throw new LedgerError(
      'BAD_QUERY',
      `expected 1 to ${MOST_TYPES} types of statements, came \`${types.length}\``,
    );
  }
  for (const type of types) requireName(type, 'a type of statements');
  for (const time of [since, until]) {
    if (Number.isSafeInteger(time) && time >= 0) continue;
    throw new LedgerError('BAD_QUERY', 'expected times in milliseconds since 1970');
  }
  if (session !== undefined) requireName(session, 'a session');
  if (principal !== undefined) requireName(principal, 'a principal');
  if (scope.tenant === null && (session !== undefined || principal !== undefined)) {
    throw new LedgerError(
      'BAD_QUERY',
      "expected a tenant with a session or principal: the names are a tenant's own",
    );
  }
  return { values: [types, until, session ?? null, principal ?? null], since };
}

/** The time as the index for this scope has it (migration 4). */
function timeOf({ scope }: StatementFilter): string {
  return scope.tenant === null ? '(s.issued_at + 0)' : 's.issued_at';
}

function filterText(query: StatementFilter): string {
  const session = query.session === undefined ? '$3::text is null' : 's.session = $3';
  const principal = query.principal === undefined ? '$4::text is null' : 's.principal = $4';
  return `${timeOf(query)} < $2 and ${session} and ${principal}`;
}

/** The keys first, each type out of its own stretch of the index; then the rows, as far as the page has room. */
function pageText(query: StatementFilter): string {
  const time = timeOf(query);
  const rest = `${filterText(query)} and (${time}, s.log_index) > ($5, $6)`;
  const keys =
    query.session === undefined
      ? `select k.* from unnest($1::text[]) as types (type) cross join lateral (
           select s.issued_at, s.log_index from pf.statements s where s.type = types.type and ${rest}
           order by ${time}, s.log_index limit $7 + 1) as k
         order by k.issued_at, k.log_index limit $7 + 1`
      : // One session is short and has its own index: to walk its tenant's by time for it could take forever.
        `select * from of_session order by issued_at, log_index limit $7 + 1`;
  const session =
    query.session === undefined
      ? ''
      : `of_session as materialized (
           select s.issued_at, s.log_index from pf.statements s where s.type = any($1::text[]) and ${rest}),`;
  return `
    with ${session} keys as materialized (${keys}),
    sized as (
      select k.log_index, row_number() over page as position,
             sum(coalesce(octet_length(s.envelope), 0)) over page as bytes
      from keys k join pf.statements s on s.log_index = k.log_index
      window page as (order by k.issued_at, k.log_index)
    )
    select s.log_index as index, s.id, s.tenant, s.session, s.seq, s.type, s.issued_at as "issuedAt", s.digest,
           s.envelope, (select count(*) from keys) as found
    from sized join pf.statements s on s.log_index = sized.log_index
    where sized.position = 1 or sized.position <= $7 and sized.bytes <= $8
    order by s.issued_at, s.log_index`;
}

function countText(query: StatementFilter): string {
  return `select count(*) as count from pf.statements s
    where s.type = any($1::text[]) and ${filterText(query)} and ${timeOf(query)} >= $5`;
}
