import type { Database } from '../database/database.ts';

/**
 * Forgets a tenant's sealed records, or with `statements` its envelopes and salts too, and answers how many
 * rows that changed. The log stays what was signed: its leaves are hashes, and without its salt a leaf says
 * nothing of the envelope.
 */
export async function eraseTenant(
  database: Database,
  tenant: string,
  what: 'records' | 'statements',
): Promise<number> {
  const erase = { timeoutMs: 600_000 };
  const [row] = await database.transaction(
    'pf_writer',
    (tx) =>
      tx.query<{ erased: number }>('select pf.erase($1, $2) as erased', [tenant, what === 'statements']),
    erase,
  );
  return row?.erased ?? 0;
}
