import type { OwnedDatabase } from '@provability-fabric/storage';

export interface StoreSize {
  readonly tenants: number;
  /** Of each tenant. */
  readonly secrets: number;
}

const TABLES = ['secret_root_keys', 'secret_tenant_keys', 'secrets', 'secret_values'];
const TIMEOUT_MS = 600_000;
const ROOT_KEY = 'a'.repeat(32);
const KEY = `md5(t.tenant)`;
/** Tenants that go in with one statement: what they fill is still in PostgreSQL's memory when it is looked at. */
const TENANTS_AT_ONCE = 20;

/** Bytes as long as those of a small secret; what they are is the same to the store. */
const VALUE = `${KEY}, decode(repeat('5a', 60), 'hex'), decode(repeat('5a', 120), 'hex')`;
const NAMES = `unnest($1::text[]) as t (tenant), generate_series(0, $2::int - 1) s`;
const HEADS = `
  insert into pf.secrets (tenant, name, revision, latest, key_id, sealed, current_key_id, current_wrapped_key,
    current_sealed)
  select t.tenant, 'app/secret-' || lpad(s::text, 5, '0'), 1, 1, ${KEY}, decode(repeat('5a', 160), 'hex'), ${VALUE}
  from ${NAMES}`;
const VALUES = `
  insert into pf.secret_values (tenant, name, slot, key_id, wrapped_key, sealed)
  select t.tenant, 'app/secret-' || lpad(s::text, 5, '0'), 1, ${VALUE} from ${NAMES}`;

/** As a load would: foreign keys are taken off and put back unchecked, row-level security binds the owner again at the end. */
export async function fillStore(database: OwnedDatabase, { tenants, secrets }: StoreSize): Promise<void> {
  const names = Array.from({ length: tenants }, (_, at) => `tenant-${at}`);
  const references = await database.asOwner(async (tx) => {
    const found = await tx.query<{ place: string; name: string; definition: string }>(
      `select conrelid::regclass::text as place, conname as name, pg_get_constraintdef(oid) as definition
       from pg_constraint where contype = 'f' and conrelid in ('pf.secrets'::regclass, 'pf.secret_values'::regclass)
       and conparentid = 0`,
    );
    for (const { place, name } of found) await tx.query(`alter table ${place} drop constraint "${name}"`);
    for (const table of TABLES) {
      // It would begin on its own while the measure is taken, on one of the two servers.
      await tx.query(`alter table pf.${table} set (autovacuum_enabled = off)`);
      await tx.query(`alter table pf.${table} no force row level security`);
    }
    await tx.query(`insert into pf.secret_root_keys values ($1, 'file', '', '')`, [ROOT_KEY]);
    await tx.query(
      `insert into pf.secret_tenant_keys (tenant, key_id, generation, root_key_id, wrapped)
       select tenant, ${KEY}, 1, $2, '' from unnest($1::text[]) as t (tenant)`,
      [names, ROOT_KEY],
    );
    return found;
  }, TIMEOUT_MS);
  // The first who looks at a row notes on its page that it is committed, which is a write: not what is measured.
  const load = async (table: string, text: string) => {
    for (let from = 0; from < tenants; from += TENANTS_AT_ONCE) {
      const some = names.slice(from, from + TENANTS_AT_ONCE);
      await database.asOwner((tx) => tx.query(text, [some, secrets]), TIMEOUT_MS);
      const look = `select count(length(sealed)) from pf.${table} where tenant = any($1)`;
      await database.asOwner((tx) => tx.query(look, [some]), TIMEOUT_MS);
    }
  };
  await Promise.all([load('secrets', HEADS), load('secret_values', VALUES)]);
  await database.asOwner(async (tx) => {
    for (const table of TABLES) await tx.query(`alter table pf.${table} force row level security`);
    for (const { place, name, definition } of references)
      await tx.query(`alter table ${place} add constraint "${name}" ${definition} not valid`);
    await tx.query(`analyze ${TABLES.map((table) => `pf.${table}`).join(', ')}`);
  }, TIMEOUT_MS);
}
