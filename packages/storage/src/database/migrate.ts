// A table lock and no advisory one: any login of the server, a tenant's too, can take and hold an advisory lock.
import { LedgerError } from '../errors.ts';
import { MIGRATIONS } from '../migrations/all.ts';
import type { OwnedDatabase, Transaction } from './database.ts';

/** Brings the schema to this version, up or down, one transaction a step; several processes may do so at once. */
export async function migrate(database: OwnedDatabase, target: number): Promise<void> {
  if (!Number.isInteger(target) || target < 0 || target > MIGRATIONS.length) {
    throw new LedgerError(
      'LEDGER_SCHEMA_NEWER',
      `expected a schema version of 0 to ${MIGRATIONS.length}, got \`${target}\``,
    );
  }
  // Most starts find everything done, and a read-only database can do nothing about it anyway.
  if ((await database.asOwner(currentVersion)) === target) return;
  await database.asOwner(makeHistory);
  while (await database.asOwner((tx) => oneStep(tx, target)));
}

/** Changes nothing. */
export async function requireCurrentSchema(tx: Transaction): Promise<void> {
  const version = await currentVersion(tx);
  if (version === MIGRATIONS.length) return;
  throw new LedgerError(
    'LEDGER_SCHEMA_OLDER',
    `expected a ledger schema of version ${MIGRATIONS.length}, got ${version < 1 ? 'none' : `\`${version}\``}; start the ` +
      'fabric of this release, which brings it up',
  );
}

/** 0 where nothing is left of the schema, -1 where there was none. */
async function currentVersion(tx: Transaction): Promise<number> {
  const [found] = await tx.query<{ there: boolean }>(
    `select to_regclass('pf.schema_migrations') is not null as there`,
  );
  if (found?.there !== true) return -1;
  const [row] = await tx.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from pf.schema_migrations',
  );
  const version = row?.version ?? 0;
  if (version > MIGRATIONS.length) {
    throw new LedgerError(
      'LEDGER_SCHEMA_NEWER',
      `expected a ledger schema of version ${MIGRATIONS.length} or older, got \`${version}\`; install the release that ` +
        'made it, or a newer one',
    );
  }
  return version;
}

// IF NOT EXISTS does not wait for another that is creating the same: both may try, and one then fails.
async function makeHistory(tx: Transaction): Promise<void> {
  await tx.query(`
    do $$
    begin
      create schema if not exists pf;
      create table if not exists pf.schema_migrations (
        version int primary key, name text not null, applied_at timestamptz not null default now()
      );
    exception when unique_violation or duplicate_schema or duplicate_table then null;
    end $$`);
}

/** False when there is nothing left to do. */
async function oneStep(tx: Transaction, target: number): Promise<boolean> {
  await tx.query('lock table pf.schema_migrations in exclusive mode');
  const version = await currentVersion(tx);
  if (version === target) return false;
  if (version < target) {
    const { up, name } = MIGRATIONS[version] as (typeof MIGRATIONS)[number];
    await tx.query(up);
    await tx.query('insert into pf.schema_migrations (version, name) values ($1, $2)', [version + 1, name]);
  } else {
    const { down } = MIGRATIONS[version - 1] as (typeof MIGRATIONS)[number];
    await tx.query(down);
    await tx.query('delete from pf.schema_migrations where version = $1', [version]);
  }
  return true;
}
