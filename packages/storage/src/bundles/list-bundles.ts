import type { Database } from '../database/database.ts';
import { requireName } from '../reader/name.ts';
import { type LedgerScope, readIn } from '../reader/scope.ts';
import { type BundleIdentity, type BundleKeys, isSigned } from './bundle-note.ts';
import { TIMEOUT_MS } from './change.ts';

export interface BundleRow extends BundleIdentity {
  /** Whom it decides for, as far as the scope may know. */
  readonly tenants: readonly string[];
}

/** The newest; each costs a signature to check. */
const MOST_ROWS = 200;

/** Those that a key of this ledger signed, the highest version of a name first. */
export async function listBundles(
  database: Database,
  keys: BundleKeys,
  scope: LedgerScope,
  name: string | undefined,
): Promise<readonly BundleRow[]> {
  if (name !== undefined) requireName(name, 'a bundle');
  // pf_reader has no right to the column, since other tenants are named there.
  const tenants = scope.tenant === null ? 'tenants' : 'array[$2::text] as tenants';
  const rows = await readIn(
    database,
    scope,
    (tx) =>
      tx.query<BundleRow & { readonly note: string }>(
        `select name, version, digest, note, ${tenants} from pf.bundles
         where ($1::text is null or name = $1) and ($2::text is null or true)
         order by name, version desc limit ${MOST_ROWS}`,
        [name ?? null, scope.tenant],
      ),
    TIMEOUT_MS,
  );
  return rows.filter((row) => isSigned(keys, row, row.note)).map(({ note: _, ...row }) => row);
}
