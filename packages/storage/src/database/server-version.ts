import { LedgerError } from '../errors.ts';
import type { Transaction } from './database.ts';

const OLDEST = 15;

export async function requireVersion(tx: Transaction): Promise<void> {
  const [row] = await tx.query<{ version: string }>(
    `select current_setting('server_version_num') as version`,
  );
  const major = Math.floor(Number(row?.version) / 10_000);
  if (!(major >= OLDEST)) {
    throw new LedgerError(
      'LEDGER_TOO_OLD',
      `expected PostgreSQL ${OLDEST} or newer for the ledger, got \`${major}\`; upgrade it, or leave the database ` +
        'URL out for the one that comes along',
    );
  }
}
