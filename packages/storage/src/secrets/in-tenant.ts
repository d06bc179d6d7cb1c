import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';

export interface InTenantOptions {
  readonly readOnly?: boolean;
  readonly timeoutMs?: number;
}

/** A transaction of the service for one tenant: row-level security shows it nobody else's rows. */
export type InTenant = <T>(
  tenant: string,
  work: (tx: Transaction) => Promise<T>,
  options?: InTenantOptions,
) => Promise<T>;

export const READ_ONLY: InTenantOptions = { readOnly: true };

export function inTenantOf(database: Database): InTenant {
  return async (tenant, work, options = {}) => {
    // An empty one would be a transaction of no tenant, which sees keys and schedules of all.
    if (tenant.length === 0) throw new LedgerError('BAD_QUERY', 'expected a tenant, got an empty name');
    return database.transaction('pf_secrets', work, { ...options, tenant });
  };
}
