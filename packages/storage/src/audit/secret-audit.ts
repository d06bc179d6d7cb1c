// The accesses to secrets as they are stored, in `secret_audit_logs` and in the ledger, unchecked: whether each row has a
// statement that says the same, and each statement a row, is for the reader to see.
import type { Database } from '../database/database.ts';
import { readAsAuditor } from './read-as-auditor.ts';

/** A row of `secret_audit_logs`. */
export interface StoredAccess {
  /** µs since 1970, and `id`: where a page ends. */
  readonly micros: number;
  readonly id: string;
  readonly tenant: string;
  readonly user: string;
  readonly secret: string;
  readonly action: string;
  readonly result: string;
  /** In hex; null for a row that says of itself that nothing attests it. */
  readonly digest: string | null;
}

/** A statement that a row may name. */
export interface AccessStatement {
  readonly digest: Uint8Array;
  readonly type: string;
  readonly issuedAt: number;
  /** null once erased. */
  readonly envelope: Uint8Array | null;
}

const TIMEOUT_MS = 120_000;
const MICROS = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint`;
const TIME = (place: string) =>
  `((timestamptz 'epoch' + ${place}::bigint * interval '1 microsecond') at time zone 'UTC')`;

/** $1 µs, $2 id of the last one before; $3 rows. In the order of the index over all tenants. */
const ROWS = `
  select ${MICROS('timestamp')} as micros, id::text, tenant_id as tenant, user_id as user, secret_key as secret, action,
    result, statement_digest as digest
  from public.secret_audit_logs
  where (timestamp at time zone 'UTC', id) > (${TIME('$1')}, $2::uuid)
    and timestamp >= timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
  order by (timestamp at time zone 'UTC'), id limit $3`;

const STATEMENTS = `
  select digest, type, issued_at as "issuedAt", envelope from pf.statements where digest = any($1)`;

/** $1, $2: ms of the first and the last. Our rows bear the time of their statement, to the millisecond. */
const LISTED = `
  select statement_digest as digest from public.secret_audit_logs
  where timestamp >= timestamptz 'epoch' + $1::bigint * interval '1 ms'
    and timestamp < timestamptz 'epoch' + ($2::bigint + 1) * interval '1 ms'
    and statement_digest = any($3)`;

const NONE = '00000000-0000-0000-0000-000000000000';

/** Whether the database has the table at all. */
export async function hasSecretAudit(database: Database): Promise<boolean> {
  const [row] = await readAsAuditor<{ there: boolean }>(
    database,
    `select to_regclass('public.secret_audit_logs') is not null as there`,
  );
  return row?.there === true;
}

/** Of all tenants, from a time on (ms since 1970), oldest first, page by page: each page is of its own moment. */
export async function* readAuditRows(
  database: Database,
  since: number,
  limit: number,
): AsyncGenerator<readonly StoredAccess[]> {
  for (let [micros, id] = [since * 1000, NONE]; ; ) {
    const rows = await asAccessAuditor<StoredAccess>(database, ROWS, [micros, id, limit]);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    ({ micros, id } = last);
  }
}

/** Those of them that the ledger has. */
export function readAccessStatements(
  database: Database,
  digests: readonly string[],
): Promise<readonly AccessStatement[]> {
  return readAsAuditor(database, STATEMENTS, [digests.map((digest) => Buffer.from(digest, 'hex'))]);
}

/** Which of these statements, issued between these times (ms, both included), have a row. */
export async function readListed(
  database: Database,
  digests: readonly string[],
  from: number,
  to: number,
): Promise<ReadonlySet<string>> {
  const rows = await asAccessAuditor<{ digest: string }>(database, LISTED, [from, to, digests]);
  return new Set(rows.map(({ digest }) => digest));
}

function asAccessAuditor<Row>(database: Database, text: string, values: readonly unknown[]) {
  const options = { readOnly: true, timeoutMs: TIMEOUT_MS };
  return database.transaction('secrets_auditor', (tx) => tx.query<Row>(text, values), options);
}
