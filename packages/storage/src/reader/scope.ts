import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { requireName } from './name.ts';

/** Whose rows: one tenant's, or with null all tenants'. */
export interface LedgerScope {
  readonly tenant: string | null;
}

/**
 * Reads under the role that the scope calls for. What a tenant may see is decided by row-level security alone;
 * a condition that a query forgets, or one that a caller gets wrong, shows nothing of another tenant.
 */
export async function readIn<T>(
  database: Database,
  { tenant }: LedgerScope,
  work: (tx: Transaction) => Promise<T>,
  timeoutMs: number,
): Promise<T> {
  if (tenant === null) return database.transaction('pf_auditor', work, { readOnly: true, timeoutMs });
  // An empty name would be the scope of no tenant, so it is refused here and not looked up.
  return database.transaction('pf_reader', work, {
    tenant: requireName(tenant, 'a tenant'),
    readOnly: true,
    timeoutMs,
  });
}

const MOST_ROWS = 1_000;

export function requireLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST_ROWS) return limit;
  throw new LedgerError('BAD_QUERY', `expected a limit of 1 to ${MOST_ROWS}, came \`${limit}\``);
}
