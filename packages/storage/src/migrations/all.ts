import { LEDGER } from './0001-ledger.ts';
import { LEASES } from './0002-leases.ts';
import { AUTHORITY } from './0003-authority.ts';
import { READING } from './0004-reading.ts';
import { BUNDLES } from './0005-bundles.ts';
import { USAGE } from './0006-usage.ts';
import { SECRETS } from './0007-secrets.ts';
import { SECRET_AUDIT_LOGS } from './0008-secret-audit-logs.ts';
import { SECRET_ROTATIONS } from './0009-secret-rotations.ts';
import { ROOT_KEY_ORDER } from './0010-root-key-order.ts';
import { GOVERNOR } from './0011-governor.ts';
import type { Migration } from './migration.ts';

/** In order. What was released never changes: mend it with the next one. */
export const MIGRATIONS: readonly Migration[] = [
  LEDGER,
  LEASES,
  AUTHORITY,
  READING,
  BUNDLES,
  USAGE,
  SECRETS,
  SECRET_AUDIT_LOGS,
  SECRET_ROTATIONS,
  ROOT_KEY_ORDER,
  GOVERNOR,
];
