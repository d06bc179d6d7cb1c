import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { readCursor, writeCursor } from '../reader/cursor.ts';
import { requireName } from '../reader/name.ts';
import { type LedgerScope, readIn, requireLimit } from '../reader/scope.ts';
import { CHANGED, TIMEOUT_MS } from './change.ts';
import { EVERY_TENANT } from './known-changes.ts';
import type { Page, Paging } from './page.ts';

/** What is kept of an issued token; never the token. */
export interface TokenRecord {
  readonly id: string;
  readonly tenant: string;
  readonly subject: string;
  readonly session: string | null;
  readonly audience: string;
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  readonly epoch: number;
  /** ms since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** `revoked`: itself, its subject, or by a later epoch of its tenant; whether it expired as well or not. */
export type TokenStatus = 'active' | 'revoked' | 'expired';

export interface TokenRow extends TokenRecord {
  readonly status: TokenStatus;
}

export interface TokenQuery extends Paging {
  readonly status: TokenStatus | 'all';
  /** ms since 1970. */
  readonly now: number;
}

const MOST_ENTRIES = 256;
const LONGEST_ENTRY = 4_096;
const STATUSES: readonly unknown[] = ['active', 'revoked', 'expired', 'all'];

/** Idempotent; other content under the same id is refused with LEDGER_CONFLICT. */
export async function recordToken(database: Database, token: TokenRecord): Promise<void> {
  requireToken(token);
  const { id, tenant, subject, session, audience, roles, capabilities, epoch, issuedAt, expiresAt } = token;
  const values = [tenant, id, subject, session, audience, roles, capabilities, epoch, issuedAt, expiresAt];
  await database.transaction(
    'pf_writer',
    async (tx) => {
      const [same] = await tx.query<{ same: boolean }>(
        `with made as (
           insert into pf.capability_tokens
             (tenant, id, subject, session, audience, roles, capabilities, epoch, issued_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning 1
         )
         select true as same from made union all
         select (subject, audience, roles, capabilities, epoch, issued_at, expires_at)
                = ($3, $5, $6::text[], $7::text[], $8, $9, $10) and session is not distinct from $4
         from pf.capability_tokens where tenant = $1 and id = $2`,
        values,
      );
      // None: made by somebody else since this statement began. Whoever calls again sees it.
      if (same === undefined)
        throw new LedgerError('LEDGER_UNAVAILABLE', 'the token is being recorded; try again');
      if (!same.same) {
        throw new LedgerError(
          'LEDGER_CONFLICT',
          'expected a token id once, it is recorded with other content',
        );
      }
      // Revoked by the platform before anybody knew whose it is: from now on it is this tenant's to see.
      const revoked = await tx.query(
        `with known as (select reason, revoked_by, revoked_at from pf.revocations
                        where tenant = '${EVERY_TENANT}' and kind = 'token' and id = $2),
         next as (update pf.authority_state set change = change + 1 where exists (select from known) returning change)
         insert into pf.revocations (tenant, kind, id, reason, revoked_by, revoked_at, change)
         select $1, 'token', $2, reason, revoked_by, revoked_at, change from known, next
         on conflict do nothing returning 1`,
        [tenant, id],
      );
      if (revoked.length > 0) await tx.query(CHANGED);
    },
    { timeoutMs: TIMEOUT_MS },
  );
}

function requireToken(token: TokenRecord): void {
  requireName(token.id, 'a token id');
  requireName(token.tenant, 'a tenant');
  requireName(token.subject, 'a subject');
  requireName(token.audience, 'an audience', LONGEST_ENTRY);
  if (token.session !== null) requireName(token.session, 'a session');
  for (const entries of [token.roles, token.capabilities]) {
    if (entries.length > MOST_ENTRIES) {
      throw new LedgerError('BAD_QUERY', `expected at most ${MOST_ENTRIES} roles and capabilities each`);
    }
    for (const entry of entries) requireName(entry, 'a role or capability', LONGEST_ENTRY);
  }
  for (const count of [token.epoch, token.issuedAt, token.expiresAt]) {
    if (Number.isSafeInteger(count) && count >= 0) continue;
    throw new LedgerError('BAD_QUERY', 'expected an epoch and times of 0 to 2^53 - 1');
  }
}

/** `floor`: the least epoch in force for any tenant. Ordered by expiry. */
export async function listTokens(
  database: Database,
  scope: LedgerScope,
  asked: TokenQuery,
  floor: number,
): Promise<Page<TokenRow>> {
  const { status, now, cursor } = asked;
  const limit = requireLimit(asked.limit);
  if (!STATUSES.includes(status)) {
    throw new LedgerError('BAD_QUERY', 'expected a status of `active`, `revoked`, `expired` or `all`');
  }
  if (!Number.isSafeInteger(now) || now < 0)
    throw new LedgerError('BAD_QUERY', 'expected a time in milliseconds');
  const query = ['tokens', scope.tenant, status];
  const after = cursor === undefined ? [-1, '', ''] : readCursor(cursor, query, ['count', 'text', 'text']);
  // The plain column for one tenant, the expression for all: each has its own index.
  const expiry = scope.tenant === null ? '(t.expires_at + 0)' : 't.expires_at';
  const rows = await readIn(
    database,
    scope,
    (tx) =>
      tx.query<TokenRow>(
        `select * from (
           select t.id, t.tenant, t.subject, t.session, t.audience, t.roles, t.capabilities, t.epoch,
                  t.issued_at as "issuedAt", t.expires_at as "expiresAt",
                  case when t.epoch < greatest($5, e.epoch) or exists (
                         select from pf.revocations r where r.tenant = t.tenant
                           and (r.kind, r.id) in (('token', t.id), ('principal', t.subject))) then 'revoked'
                       when t.expires_at <= $4 then 'expired' else 'active' end as status
           from pf.capability_tokens t left join pf.epochs e on e.tenant = t.tenant
           where (${expiry}, t.tenant, t.id) > ($1, $2, $3)
             and ($6 <> 'active' or ${expiry} > $4) and ($6 <> 'expired' or ${expiry} <= $4)
           order by ${expiry}, t.tenant, t.id
         ) as tokens where $6 in ('all', status) limit $7`,
        [...after, now, floor, status, limit],
      ),
    TIMEOUT_MS,
  );
  const last = rows.at(-1);
  const full = last !== undefined && rows.length === limit;
  return { rows, next: full ? writeCursor(query, [last.expiresAt, last.tenant, last.id]) : null };
}
