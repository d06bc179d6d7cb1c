import type { AccessResult, SecretAccess, SecretAction } from '@provability-fabric/secrets';
import { LedgerError } from '../errors.ts';

/** An access, and the statement in the ledger that attests it: SHA-256 in hex, or null where none does. */
export interface AuditRow extends SecretAccess {
  readonly statementDigest: string | null;
}

/** As it is kept. Rows that others add by hand may lack what ours have, and have longer texts. */
export interface StoredAuditRow extends Omit<AuditRow, 'action' | 'result' | 'details'> {
  readonly action: SecretAction;
  readonly result: AccessResult;
  readonly details: Readonly<Record<string, unknown>>;
  /** ms since 1970 by the database's clock, which nobody who adds a row can set. */
  readonly recordedAt: number;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DIGEST = /^[0-9a-f]{64}$/;
/** What PostgreSQL refuses, in texts and in JSON. */
const UNKEEPABLE = /[\0\p{Surrogate}]/u;
const LONGEST_NAME = 256;
/** Of the times that the table takes. */
const END = Date.UTC(2200, 0, 1);
const LONGEST_SECRET = 255;
const LONGEST_CODE = 64;
/** Leaves room for how PostgreSQL writes it: a blank after each colon and comma. */
const LONGEST_DETAILS = 12_288;

/**
 * As its columns, in the order of COLUMNS. Checked one by one before it is put together with others: a row that the
 * table refuses would take those of other callers with it.
 */
export function asColumns(row: AuditRow): readonly unknown[] {
  const details = JSON.stringify(row.details);
  require('an id', UUID.test(row.id));
  require('a tenant', isText(row.tenant, LONGEST_NAME));
  require('a principal', isText(row.principal, LONGEST_NAME));
  // Empty for a list of all names.
  require('a secret', row.secret === '' || isText(row.secret, LONGEST_SECRET));
  require('a version', row.version === undefined || Number.isSafeInteger(row.version));
  require('an error code', row.errorCode === undefined || isText(row.errorCode, LONGEST_CODE));
  require('a time', Number.isSafeInteger(row.at) && row.at >= 0 && row.at < END);
  require('a digest', row.statementDigest === null || DIGEST.test(row.statementDigest));
  // Escaped, neither would show in the JSON text.
  const parts = Object.entries(row.details).flat();
  const kept = parts.every((part) => typeof part !== 'string' || !UNKEEPABLE.test(part));
  require('details', kept && Buffer.byteLength(details) <= LONGEST_DETAILS);
  return [
    row.id,
    row.tenant,
    row.principal,
    row.secret,
    row.action,
    row.result,
    details,
    row.at,
    `${row.tenant}/${row.secret}`,
    row.errorCode ?? null,
    row.version ?? null,
    row.statementDigest,
  ];
}

/** What they are and their types, as `asColumns` orders them; the time is turned from milliseconds. */
export const COLUMNS: readonly (readonly [name: string, type: string])[] = [
  ['id', 'uuid'],
  ['tenant_id', 'text'],
  ['user_id', 'text'],
  ['secret_key', 'text'],
  ['action', 'text'],
  ['result', 'text'],
  ['metadata', 'jsonb'],
  ['timestamp', 'bigint'],
  ['secret_path', 'text'],
  ['error_message', 'text'],
  ['version', 'bigint'],
  ['statement_digest', 'text'],
];

function isText(text: unknown, longest: number): boolean {
  return typeof text === 'string' && text.length > 0 && text.length <= longest && !UNKEEPABLE.test(text);
}

/** Nothing of the row is in the message: what arrives in the wrong place is too often a secret. */
function require(what: string, holds: boolean): void {
  if (!holds) {
    throw new LedgerError('BAD_ENTRY', `expected ${what} in an audit row that the table takes, got another`);
  }
}
