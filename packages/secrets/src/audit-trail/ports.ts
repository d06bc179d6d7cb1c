import type { Digest } from '@provability-fabric/kernel';
import type { SecretAccess } from '../audit.ts';

/** One signed statement on its way into the log. */
export interface AuditCommitEntry {
  readonly seq: number;
  readonly digest: Digest;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
  readonly record: Uint8Array;
}

export interface AuditCommit {
  readonly tenant: string;
  readonly session: string;
  /** Where the session must end for this to apply; -1 and null for a new one. */
  readonly expectedSeq: number;
  readonly expectedDigest: Digest | null;
  readonly entries: readonly AuditCommitEntry[];
}

/**
 * The log of this process; the file log satisfies it by structure. `commit` is atomic over its entries and resolves once
 * they survive a crash; where it throws, nothing of it is ever found. `head` is undefined for a session without
 * statements, and says at once what was committed before.
 */
export interface AuditJournal {
  commit(
    commit: AuditCommit,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly code: 'STALE_SESSION' }>;
  head(tenant: string, session: string): { readonly seq: number; readonly digest: Digest } | undefined;
}

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
