import type { Database } from '../database/database.ts';

/** Whoever audits waits: what is asked here may go through a whole table. */
const TIMEOUT_MS = 120_000;

/** Under the role that reads all tenants and changes nothing. */
export function readAsAuditor<Row>(
  database: Database,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const options = { readOnly: true, timeoutMs: TIMEOUT_MS };
  return database.transaction('pf_auditor', (tx) => tx.query<Row>(text, values), options);
}
