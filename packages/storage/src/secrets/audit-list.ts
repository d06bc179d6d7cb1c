import type { AccessResult, SecretAction } from '@provability-fabric/secrets';
import type { Database, Transaction } from '../database/database.ts';
import { type Key, readCursor, writeCursor } from '../reader/cursor.ts';
import { requireName } from '../reader/name.ts';
import { type LedgerScope, requireLimit } from '../reader/scope.ts';
import type { StoredAuditRow } from './audit-row.ts';

export interface AuditQuery {
  /** Needs the scope of one tenant: names of secrets are its own. */
  readonly secret?: string;
  readonly principal?: string;
  readonly action?: SecretAction;
  readonly result?: AccessResult;
  /** Whether a statement of the ledger attests it. */
  readonly attested?: boolean;
  /** ms since 1970, the first that counts. */
  readonly since?: number;
  /** ms since 1970, the first that no longer counts. */
  readonly until?: number;
}

export interface AuditPaging {
  /** 1 to 1,000. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface AuditPage {
  /** Newest first. */
  readonly rows: readonly StoredAuditRow[];
  readonly next: string | null;
}

interface ListedRow extends Omit<StoredAuditRow, 'version' | 'errorCode'> {
  readonly micros: number;
  readonly version: number | null;
  readonly errorCode: string | null;
}

const TIMEOUT_MS = 10_000;
const MICROS = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint`;

/** By (timestamp, id). What a tenant may see is decided by row-level security. */
export async function listAudit(
  database: Database,
  scope: LedgerScope,
  query: AuditQuery,
  { limit, cursor }: AuditPaging,
): Promise<AuditPage> {
  const most = requireLimit(limit);
  const mark = ['secret-audit', scope.tenant, query];
  const after = cursor === undefined ? undefined : readCursor(cursor, mark, ['count', 'text']);
  const { text, values } = pageOf(scope, query, most, after);
  const found = await readAs(database, scope, (tx) => tx.query<ListedRow>(text, values));
  const rows = found.slice(0, most);
  const last = rows.at(-1);
  return {
    rows: rows.map(shown),
    next: found.length > most && last !== undefined ? writeCursor(mark, [last.micros, last.id]) : null,
  };
}

function readAs<T>(database: Database, { tenant }: LedgerScope, work: (tx: Transaction) => Promise<T>) {
  const options = { readOnly: true, timeoutMs: TIMEOUT_MS };
  if (tenant === null) return database.transaction('secrets_auditor', work, options);
  return database.transaction('pf_reader', work, { ...options, tenant: requireName(tenant, 'a tenant') });
}

function pageOf(scope: LedgerScope, query: AuditQuery, limit: number, after: readonly Key[] | undefined) {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const add = (condition: (place: string) => string, value: unknown) => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  // For all tenants the expression that their index is made of (see 0008); the plain bounds leave partitions out.
  const time = scope.tenant === null ? `(l.timestamp at time zone 'UTC')` : 'l.timestamp';
  const micros = (place: string) => `(timestamptz 'epoch' + ${place}::bigint * interval '1 microsecond')`;
  add((place) => `l.tenant_id = ${place}`, scope.tenant ?? undefined);
  add((place) => `l.secret_key = ${place}`, query.secret);
  add((place) => `l.user_id = ${place}`, query.principal);
  add((place) => `l.action = ${place}`, query.action);
  add((place) => `l.result = ${place}`, query.result);
  add((place) => `l.timestamp >= ${micros(place)}`, millis(query.since));
  add((place) => `l.timestamp < ${micros(place)}`, millis(query.until));
  if (query.attested !== undefined) {
    conditions.push(`l.statement_digest is ${query.attested ? 'not null' : 'null'}`);
  }
  if (after !== undefined) {
    values.push(after[0], after[1]);
    const [at, id] = [micros(`$${values.length - 1}`), `$${values.length}::uuid`];
    const bound = scope.tenant === null ? `(${at} at time zone 'UTC')` : at;
    conditions.push(`l.timestamp <= ${at} and (${time}, l.id) < (${bound}, ${id})`);
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const text = `
    select l.id, l.tenant_id as tenant, l.user_id as principal, l.secret_key as secret, l.action, l.result,
           l.metadata as details, l.error_message as "errorCode", l.version,
           l.statement_digest as "statementDigest", ${MICROS('l.timestamp')} as micros,
           ${MICROS('l.timestamp')} / 1000 as at, ${MICROS('l.created_at')} / 1000 as "recordedAt"
    from public.secret_audit_logs l ${where}
    order by ${time} desc, l.id desc limit ${limit + 1}`;
  return { text, values };
}

function millis(time: number | undefined): number | undefined {
  return time === undefined ? undefined : time * 1_000;
}

function shown({ micros: _, version, errorCode, ...row }: ListedRow): StoredAuditRow {
  return { ...row, ...(version !== null && { version }), ...(errorCode !== null && { errorCode }) };
}
