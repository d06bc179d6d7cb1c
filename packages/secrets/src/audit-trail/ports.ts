import type { Digest } from '@provability-fabric/kernel';
import type { SecretAccess } from '../audit.ts';

/** An access as `secret_audit_logs` has it. */
export interface AuditRow extends SecretAccess {
  /** Of the statement that says the same: SHA-256 of its payload. */
  readonly statementDigest: Digest;
}

/**
 * The table of accesses. Durable when it resolves, all rows or none; where it throws, rows may be there or not, and the
 * access is refused either way.
 */
export interface AuditRows {
  append(rows: readonly AuditRow[]): Promise<void>;
}
