import type { RootKeyRow, SecretRows } from '@provability-fabric/secrets';
import type { Database, Transaction } from '../database/database.ts';
import { refusedByReference } from './sql-state.ts';

type RootKeyRows = Pick<SecretRows, 'rootKeys' | 'addRootKey' | 'dropRootKey'>;

/** What tells of root keys: of the whole store, in transactions of no tenant. */
export function rootKeyRows(database: Database): RootKeyRows {
  return {
    async rootKeys() {
      const rows = await database.transaction(
        'pf_secrets',
        (tx) =>
          tx.query<RootKeyRow>(
            `select root_key_id as "rootKeyId", source, parameters, check_value as check
             from pf.secret_root_keys order by added`,
          ),
        { readOnly: true },
      );
      return rows.map((row) => ({
        ...row,
        parameters: new Uint8Array(row.parameters),
        check: new Uint8Array(row.check),
      }));
    },

    addRootKey: ({ rootKeyId, source, parameters, check }, known) =>
      database.transaction('pf_secrets', async (tx) => {
        // Two that start at once: the second one sees what the first has added.
        await tx.query('lock table pf.secret_root_keys in share row exclusive mode');
        if (!(await areExactly(tx, known))) return false;
        const added = await tx.query(
          `insert into pf.secret_root_keys (root_key_id, source, parameters, check_value)
           values ($1, $2, $3, $4) on conflict do nothing returning 1`,
          [rootKeyId, source, parameters, check],
        );
        return added.length > 0;
      }),

    async dropRootKey(rootKeyId) {
      const text = 'delete from pf.secret_root_keys where root_key_id = $1 returning 1';
      try {
        const gone = await database.transaction('pf_secrets', (tx) => tx.query(text, [rootKeyId]));
        return gone.length > 0;
      } catch (error) {
        if (refusedByReference(error)) return false;
        throw error;
      }
    },
  };
}

async function areExactly(tx: Transaction, known: readonly string[]): Promise<boolean> {
  const rows = await tx.query<{ id: string }>('select root_key_id as id from pf.secret_root_keys');
  const stored = rows.map(({ id }) => id).sort();
  const expected = [...new Set(known)].sort();
  return stored.length === expected.length && stored.every((id, at) => id === expected[at]);
}
