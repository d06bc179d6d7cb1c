import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { readCursor, writeCursor } from '../reader/cursor.ts';
import { requireName } from '../reader/name.ts';
import { type LedgerScope, readIn, requireLimit } from '../reader/scope.ts';
import { CHANGED, TIMEOUT_MS } from './change.ts';
import { EVERY_TENANT } from './known-changes.ts';
import type { Page, Paging } from './page.ts';

export interface RevokedPrincipal {
  readonly tenant: string;
  readonly id: string;
}

export interface RevocationRequest {
  readonly tokenIds?: readonly string[];
  /** In a tenant's scope, of that tenant only. */
  readonly principals?: readonly RevokedPrincipal[];
  readonly reason: string;
  readonly by: string;
  /** ms since 1970. */
  readonly at: number;
}

export interface RevocationAnswer {
  /** Ids of all that is revoked now, in the order asked. */
  readonly revoked: readonly string[];
  /** Of these, the tokens of which there is no record; they are revoked all the same. */
  readonly unknown: readonly string[];
}

export interface RevocationRow {
  readonly tenant: string;
  readonly kind: 'token' | 'principal';
  readonly id: string;
  readonly reason: string;
  readonly by: string;
  readonly at: number;
}

const MOST_IDS = 1_000;
const LONGEST_REASON = 1_024;
/** What is revoked without a record stays in every process's memory for good, so a tenant cannot fill it. */
const MOST_UNKNOWN = 100_000;

interface Named {
  readonly tenant: string;
  readonly kind: 'token' | 'principal';
  readonly id: string;
}

/** Idempotent: what is revoked already keeps its first reason. */
export async function revoke(
  database: Database,
  scope: LedgerScope,
  request: RevocationRequest,
): Promise<RevocationAnswer> {
  const tokenIds = [...new Set(request.tokenIds)];
  const principals = request.principals ?? [];
  requireRequest(scope, tokenIds, principals, request);
  return database.transaction(
    'pf_writer',
    async (tx) => {
      // Row-level security leaves a tenant its own tokens: another's are as unknown as none at all.
      const records = await tx.query<{ tenant: string; id: string }>(
        'select tenant, id from pf.capability_tokens where id = any($1::text[])',
        [tokenIds],
      );
      const recorded = new Set(records.map(({ id }) => id));
      const unknown = tokenIds.filter((id) => !recorded.has(id));
      const owner = scope.tenant ?? EVERY_TENANT;
      await insert(tx, request, [
        ...records.map((record): Named => ({ ...record, kind: 'token' })),
        ...unknown.map((id): Named => ({ tenant: owner, kind: 'token', id })),
        ...principals.map(({ tenant, id }): Named => ({ tenant, kind: 'principal', id })),
      ]);
      if (unknown.length > 0) await requireRoom(tx, owner);
      await tx.query(CHANGED);
      return { revoked: [...tokenIds, ...principals.map(({ id }) => id)], unknown };
    },
    { ...(scope.tenant === null ? {} : { tenant: scope.tenant }), timeoutMs: TIMEOUT_MS },
  );
}

function requireRequest(
  { tenant }: LedgerScope,
  tokenIds: readonly string[],
  principals: readonly RevokedPrincipal[],
  { reason, by, at }: RevocationRequest,
): void {
  if (tenant !== null) requireName(tenant, 'a tenant');
  requireName(by, 'who revokes');
  requireName(reason, 'a reason', LONGEST_REASON);
  if (!Number.isSafeInteger(at) || at < 0)
    throw new LedgerError('BAD_QUERY', 'expected a time in milliseconds');
  const count = tokenIds.length + principals.length;
  if (count < 1 || count > MOST_IDS) {
    throw new LedgerError('BAD_QUERY', `expected 1 to ${MOST_IDS} tokens and principals, came \`${count}\``);
  }
  for (const id of tokenIds) requireName(id, 'a token id');
  for (const principal of principals) {
    requireName(principal.tenant, "a principal's tenant");
    requireName(principal.id, 'a principal');
    if (tenant !== null && principal.tenant !== tenant) {
      throw new LedgerError('BAD_QUERY', `expected principals of tenant \`${tenant}\` only`);
    }
  }
}

async function insert(tx: Transaction, request: RevocationRequest, named: readonly Named[]): Promise<void> {
  await tx.query(
    `with next as (update pf.authority_state set change = change + cardinality($1::text[]) returning change)
     insert into pf.revocations (tenant, kind, id, reason, revoked_by, revoked_at, change)
     select n.tenant, n.kind, n.id, $4, $5, $6::bigint, next.change - n.position + 1
     from next, unnest($1::text[], $2::text[], $3::text[]) with ordinality as n (tenant, kind, id, position)
     on conflict do nothing`,
    [
      named.map(({ tenant }) => tenant),
      named.map(({ kind }) => kind),
      named.map(({ id }) => id),
      request.reason,
      request.by,
      request.at,
    ],
  );
}

async function requireRoom(tx: Transaction, tenant: string): Promise<void> {
  const [row] = await tx.query<{ count: number }>(
    `select count(*) as count from (
       select from pf.revocations r where r.tenant = $1 and r.kind = 'token' and not exists (
         select from pf.capability_tokens t where t.tenant = r.tenant and t.id = r.id)
       limit ${MOST_UNKNOWN + 1}) as unknown`,
    [tenant],
  );
  if ((row?.count ?? 0) <= MOST_UNKNOWN) return;
  throw new LedgerError(
    'BAD_QUERY',
    `expected at most ${MOST_UNKNOWN} revoked tokens without a record; raise the tenant's epoch, which revokes ` +
      'all tokens before it',
  );
}

export async function listRevocations(
  database: Database,
  scope: LedgerScope,
  page: Paging,
): Promise<Page<RevocationRow>> {
  const limit = requireLimit(page.limit);
  const query = ['revocations', scope.tenant];
  const [after] = page.cursor === undefined ? [0] : readCursor(page.cursor, query, ['count']);
  const rows = await readIn(
    database,
    scope,
    (tx) =>
      tx.query<RevocationRow & { readonly change: number }>(
        `select tenant, kind, id, reason, revoked_by as by, revoked_at as at, change from pf.revocations
         where change > $1 order by change limit $2`,
        [after, limit],
      ),
    TIMEOUT_MS,
  );
  const last = rows.at(-1);
  return {
    rows: rows.map(({ change: _, ...row }) => row),
    next: last && rows.length === limit ? writeCursor(query, [last.change]) : null,
  };
}
