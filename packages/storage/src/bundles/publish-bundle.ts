import { canonicalBytes, digestOf, field, type JsonObject } from '@provability-fabric/kernel';
import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { requireName } from '../reader/name.ts';
import type { LedgerScope } from '../reader/scope.ts';
import { type BundleIdentity, type BundleKeys, signBundle } from './bundle-note.ts';
import { CHANGED, TIMEOUT_MS } from './change.ts';
import { readNewest, type SignedBundle } from './newest-bundle.ts';

export interface Publishing {
  /** Who publishes it. */
  readonly by: string;
  /** ms since 1970. */
  readonly at: number;
  /** Whether it may be the first of its name: a name that nobody decides under is more likely mistyped. */
  readonly mayBeFirst: boolean;
}

export type PublishAnswer =
  | { readonly ok: true; readonly bundle: BundleIdentity & { readonly tenants: readonly string[] } }
  | {
      readonly ok: false;
      readonly code: 'BUNDLE_ROLLBACK' | 'BUNDLE_WRONG_NAME' | 'FORBIDDEN';
      readonly problem: string;
    };

const MOST_BYTES = 16 * 1024 * 1024;

interface Candidate extends BundleIdentity {
  readonly tenants: readonly string[];
  readonly content: Uint8Array;
}

/** Idempotent: what is the newest already is published. Of two at the same time, one sees the other. */
export async function publishBundle(
  database: Database,
  keys: BundleKeys,
  scope: LedgerScope,
  bundle: JsonObject,
  publishing: Publishing,
): Promise<PublishAnswer> {
  const candidate = identify(keys, bundle);
  const { name, version, digest, tenants, content } = candidate;
  if (scope.tenant !== null) requireName(scope.tenant, 'a tenant');
  requireName(publishing.by, 'who publishes a bundle');
  return database.transaction(
    'pf_writer',
    async (tx): Promise<PublishAnswer> => {
      await tx.query('select change from pf.bundle_state for update');
      const { signed } = await readNewest(tx, keys, name);
      const refused = refusalOf(scope, candidate, signed, publishing);
      if (refused !== undefined) return refused;
      if (signed?.digest !== digest) {
        await insert(tx, [
          ...[name, version, digest, tenants, content, signBundle(keys, candidate)],
          ...[publishing.by, publishing.at],
        ]);
      } else if (signed.content === null) {
        throw damaged(name, version);
      }
      return { ok: true, bundle: { name, version, digest, tenants } };
    },
    { ...(scope.tenant === null ? {} : { tenant: scope.tenant }), timeoutMs: TIMEOUT_MS },
  );
}

async function insert(tx: Transaction, values: readonly unknown[]): Promise<void> {
  const inserted = await tx.query(
    `insert into pf.bundles (name, version, digest, tenants, content, note, published_by, published_at)
     values ($1, $2::bigint, $3, $4::text[], $5, $6, $7, $8::bigint)
     on conflict do nothing returning 1`,
    values,
  );
  // The newest that is signed is below this version, so whatever is in its place is not one of ours.
  if (inserted.length === 0) {
    throw new LedgerError(
      'LEDGER_CORRUPT',
      'a bundle that no key of this ledger signed is in the place of this version; find out who wrote it, ' +
        'then delete it as the owner of the schema',
    );
  }
  await tx.query('update pf.bundle_state set change = change + 1');
  await tx.query(CHANGED);
}

function refusalOf(
  { tenant }: LedgerScope,
  { name, version, digest, tenants }: Candidate,
  newest: SignedBundle | null,
  { mayBeFirst }: Publishing,
): (PublishAnswer & { readonly ok: false }) | undefined {
  // A bundle decides for all of its tenants: a tenant's own operator must not change the rules of another.
  const ruled = [...tenants, ...(newest?.content ? tenantsOf(newest.content) : [])];
  const unseen = newest !== null && newest.content === null;
  if (tenant !== null && (unseen || ruled.some((other) => other !== tenant))) {
    const problem =
      'expected a bundle that decides, and whose newest version decides, for the tenant of this token alone';
    return { ok: false, code: 'FORBIDDEN', problem };
  }
  if (newest === null) {
    if (mayBeFirst) return undefined;
    const problem = `expected the name of a bundle that a sidecar on this database decides under, came \`${name}\``;
    return { ok: false, code: 'BUNDLE_WRONG_NAME', problem };
  }
  if (version > newest.version || digest === newest.digest) return undefined;
  const known =
    version === newest.version
      ? `version ${version} of bundle \`${name}\` was activated with other content`
      : `bundle \`${name}\` was activated in version ${newest.version}, which is above ${version}`;
  const problem = `${known}; publish the content you want as version ${newest.version + 1}`;
  return { ok: false, code: 'BUNDLE_ROLLBACK', problem };
}

/** From the content itself, so that what a row says of it is so. */
function identify({ crypto }: BundleKeys, bundle: JsonObject): Candidate {
  const content = canonicalBytes(bundle);
  const [name, version, tenants] = [field(bundle, 'name'), field(bundle, 'version'), tenantsOf(bundle)];
  const fits =
    typeof name === 'string' &&
    /^[a-z0-9-]{1,64}$/.test(name) &&
    typeof version === 'number' &&
    Number.isSafeInteger(version) &&
    version > 0 &&
    tenants.length > 0 &&
    content.length <= MOST_BYTES;
  if (fits) {
    for (const tenant of tenants) requireName(tenant, "a bundle's tenant");
    return { name, version, digest: digestOf(crypto, content), tenants, content };
  }
  throw new LedgerError(
    'BAD_QUERY',
    `expected a compiled bundle of at most ${MOST_BYTES} bytes with a name, a version and tenants`,
  );
}

function tenantsOf(bundle: JsonObject): readonly string[] {
  const tenants = field(bundle, 'tenants');
  if (!Array.isArray(tenants)) return [];
  return tenants.filter((tenant) => typeof tenant === 'string');
}

function damaged(name: string, version: number): LedgerError {
  return new LedgerError(
    'LEDGER_CORRUPT',
    `the content of bundle \`${name}\` version ${version} in the database is not what was signed; publish it as ` +
      `version ${version + 1}, or restore the row`,
  );
}
