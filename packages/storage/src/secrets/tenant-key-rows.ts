import type { SecretRows, SecretTenant, TenantKeyRow } from '@provability-fabric/secrets';
import type { Database } from '../database/database.ts';
import { type InTenant, READ_ONLY } from './in-tenant.ts';
import { refusedByReference } from './sql-state.ts';

type TenantKeyRows = Pick<
  SecretRows,
  'tenantKeys' | 'addTenantKey' | 'rewrapTenantKey' | 'dropTenantKey' | 'eraseTenant' | 'tenants'
>;

/** 10,000 secrets of ten versions go in one transaction. */
const ERASE_TIMEOUT_MS = 120_000;

/** Keys of tenants, wrapped. What refers to a key, and what it refers to, is held by foreign keys. */
export function tenantKeyRows(database: Database, inTenant: InTenant): TenantKeyRows {
  const changed = async (
    tenant: SecretTenant,
    text: string,
    values: readonly unknown[],
  ): Promise<boolean> => {
    try {
      return (await inTenant(tenant, (tx) => tx.query(text, values))).length > 0;
    } catch (error) {
      if (refusedByReference(error)) return false;
      throw error;
    }
  };

  return {
    async tenantKeys(tenant) {
      const rows = await inTenant(
        tenant,
        (tx) =>
          tx.query<TenantKeyRow>(
            `select key_id as "keyId", generation, root_key_id as "rootKeyId", wrapped
             from pf.secret_tenant_keys where tenant = $1 order by generation`,
            [tenant],
          ),
        READ_ONLY,
      );
      return rows.map((row) => ({ ...row, wrapped: new Uint8Array(row.wrapped) }));
    },

    addTenantKey: (tenant, { keyId, generation, rootKeyId, wrapped }) =>
      changed(
        tenant,
        `insert into pf.secret_tenant_keys (tenant, key_id, generation, root_key_id, wrapped)
         values ($1, $2, $3, $4, $5) on conflict do nothing returning 1`,
        [tenant, keyId, generation, rootKeyId, wrapped],
      ),

    rewrapTenantKey: (tenant, fromRootKeyId, { keyId, generation, rootKeyId, wrapped }) =>
      changed(
        tenant,
        `update pf.secret_tenant_keys set root_key_id = $4, wrapped = $5
         where tenant = $1 and key_id = $2 and generation = $3 and root_key_id = $6 returning 1`,
        [tenant, keyId, generation, rootKeyId, wrapped, fromRootKeyId],
      ),

    dropTenantKey: (tenant, keyId) =>
      changed(tenant, 'delete from pf.secret_tenant_keys where tenant = $1 and key_id = $2 returning 1', [
        tenant,
        keyId,
      ]),

    async eraseTenant(tenant) {
      await inTenant(tenant, (tx) => tx.query('select pf.erase_secrets($1)', [tenant]), {
        timeoutMs: ERASE_TIMEOUT_MS,
      });
    },

    async tenants(after, limit) {
      const rows = await database.transaction(
        'pf_secrets',
        (tx) =>
          tx.query<{ tenant: string }>(
            'select distinct tenant from pf.secret_tenant_keys where tenant > $1 order by tenant limit $2',
            [after, limit],
          ),
        READ_ONLY,
      );
      return rows.map(({ tenant }) => tenant);
    },
  };
}
