import type {
  SealedHead,
  SealedSecret,
  SealedValue,
  SecretChange,
  SecretRows,
  SecretTenant,
  SlotChoice,
} from '@provability-fabric/secrets';
import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { inTenantOf, READ_ONLY } from './in-tenant.ts';
import { rootKeyRows } from './root-key-rows.ts';
import { refusedByReference } from './sql-state.ts';
import { tenantKeyRows } from './tenant-key-rows.ts';

export interface SecretRowsOptions {
  readonly database: Database;
}

const MAX_SEALED_BYTES = 131_072;
const MAX_NAMES = 1_001;

/** The head has slot -1: in one list with its values, it is read in one statement, which is one snapshot. */
interface StoredPart {
  readonly slot: number;
  readonly revision: number | null;
  readonly latest: number | null;
  readonly key_id: string;
  readonly wrapped_key: Uint8Array | null;
  readonly sealed: Uint8Array;
}

const HEAD = `
  select -1 as slot, h.revision, h.latest, h.key_id, null::bytea as wrapped_key, h.sealed
  from pf.secrets h where h.tenant = $1 and h.name = $2`;
const VALUES = `
  select v.slot, null::bigint as revision, null::int as latest, v.key_id, v.wrapped_key, v.sealed
  from pf.secret_values v where v.tenant = $1 and v.name = $2`;
const LATEST = `
  select h.revision, h.latest, h.key_id, h.sealed, h.current_key_id, h.current_wrapped_key, h.current_sealed
  from pf.secrets h where h.tenant = $1 and h.name = $2`;

interface StoredLatest {
  readonly revision: number;
  readonly latest: number;
  readonly key_id: string;
  readonly sealed: Uint8Array;
  readonly current_key_id: string | null;
  readonly current_wrapped_key: Uint8Array | null;
  readonly current_sealed: Uint8Array | null;
}

/**
 * The rows of the embedded provider. Row-level security binds each transaction to its tenant; a condition that a
 * statement forgot would show or change nothing of another's.
 */
export function openSecretRows({ database }: SecretRowsOptions): SecretRows {
  const inTenant = inTenantOf(database);

  return {
    read: (tenant, name, slots) =>
      inTenant(
        tenant,
        async (tx) =>
          slots === 'latest'
            ? asLatest(await tx.query<StoredLatest>(LATEST, [tenant, name]))
            : asSecret(await readParts(tx, tenant, name, slots)),
        READ_ONLY,
      ),

    async change(tenant, name, change) {
      requireChange(change);
      const values = valuesOf(tenant, name, change);
      const text = 'select pf.change_secret($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as done';
      try {
        const [row] = await inTenant(tenant, (tx) => tx.query<{ done: boolean }>(text, values));
        return row?.done === true ? 'done' : 'conflict';
      } catch (error) {
        // A key that went between the look at it and the row that names it.
        if (refusedByReference(error)) return 'conflict';
        throw error;
      }
    },

    async remove(tenant, name) {
      const gone = await inTenant(tenant, (tx) =>
        tx.query('delete from pf.secrets where tenant = $1 and name = $2 returning 1', [tenant, name]),
      );
      return gone.length > 0;
    },

    async names(tenant, prefix, after, limit) {
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_NAMES) {
        throw new LedgerError('BAD_QUERY', `expected a limit of 1 to ${MAX_NAMES}, came \`${limit}\``);
      }
      // Bounds that the index finds; no name has the last of all characters.
      const rows = await inTenant(
        tenant,
        (tx) =>
          tx.query<{ name: string }>(
            `select name from pf.secrets
             where tenant = $1 and name > $2 and name >= $3 and name < $4 order by name limit $5`,
            [tenant, after, prefix, `${prefix}\u{10FFFF}`, limit],
          ),
        READ_ONLY,
      );
      return rows.map(({ name }) => name);
    },

    ...tenantKeyRows(database, inTenant),
    ...rootKeyRows(database),
  };
}

function readParts(
  tx: Transaction,
  tenant: SecretTenant,
  name: string,
  slots: Exclude<SlotChoice, 'latest'>,
): Promise<readonly StoredPart[]> {
  const place = [tenant, name];
  if (slots === 'none') return tx.query(HEAD, place);
  if (slots === 'all') return tx.query(`${HEAD} union all ${VALUES} order by slot`, place);
  return tx.query(`${HEAD} union all ${VALUES} and v.slot = $3`, [...place, slots]);
}

function asLatest([row]: readonly StoredLatest[]): SealedSecret | null {
  if (row === undefined) return null;
  const { revision, latest, key_id, sealed, current_key_id, current_wrapped_key, current_sealed } = row;
  const head = { revision, latest, keyId: key_id, sealed: new Uint8Array(sealed) };
  if (current_key_id === null || current_sealed === null) return { head, values: [] };
  const part = {
    slot: latest,
    key_id: current_key_id,
    wrapped_key: current_wrapped_key,
    sealed: current_sealed,
  };
  return { head, values: [asValue(part)] };
}

function asSecret(parts: readonly StoredPart[]): SealedSecret | null {
  const first = parts.find(({ slot }) => slot === -1);
  if (first === undefined) return null;
  const head: SealedHead = {
    revision: first.revision as number,
    latest: first.latest as number,
    keyId: first.key_id,
    sealed: new Uint8Array(first.sealed),
  };
  return { head, values: parts.filter(({ slot }) => slot >= 0).map(asValue) };
}

function asValue({
  slot,
  key_id,
  wrapped_key,
  sealed,
}: Pick<StoredPart, 'slot' | 'key_id' | 'wrapped_key' | 'sealed'>): SealedValue {
  const wrappedKey = new Uint8Array(wrapped_key ?? []);
  return { slot, keyId: key_id, wrappedKey, sealed: new Uint8Array(sealed) };
}

function valuesOf(tenant: SecretTenant, name: string, change: SecretChange): readonly unknown[] {
  const { expectedRevision, head, put, drop } = change;
  return [
    tenant,
    name,
    expectedRevision,
    head.latest,
    head.keyId,
    head.sealed,
    put.map(({ slot }) => slot),
    put.map(({ keyId }) => keyId),
    put.map(({ wrappedKey }) => Buffer.from(wrappedKey)),
    put.map(({ sealed }) => Buffer.from(sealed)),
    drop,
  ];
}

/** What no correct caller sends. Asked here, since PostgreSQL's own refusal would carry the row. */
function requireChange({ expectedRevision, head, put }: SecretChange): void {
  if (head.revision !== expectedRevision + 1) {
    throw new LedgerError(
      'BAD_ENTRY',
      `expected a secret's revision to follow \`${expectedRevision}\`, got \`${head.revision}\``,
    );
  }
  const largest = Math.max(head.sealed.length, ...put.map(({ sealed }) => sealed.length));
  if (largest > MAX_SEALED_BYTES) {
    throw new LedgerError(
      'BAD_ENTRY',
      `expected a sealed value of at most ${MAX_SEALED_BYTES} bytes, got \`${largest}\``,
    );
  }
}
