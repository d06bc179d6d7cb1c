import type { Finding } from '../ledger/findings.ts';

/** An access to a secret that its row or its statement alone tells of. */
export interface LoneAccess {
  readonly at: string;
  readonly tenant: string;
  readonly user: string;
  readonly action: string;
  readonly secret: string;
  readonly result: string;
  /** Of the statement, in hex; null for a row that names none. */
  readonly digest: string | null;
}

export interface AccessContinuity {
  readonly rows: number;
  readonly statements: number;
  /** So young that the other half may still be on its way. */
  readonly pending: number;
  /** Rows that no statement of the ledger says. */
  readonly unattested: readonly LoneAccess[];
  readonly unattestedCount: number;
  /** Statements without a row. */
  readonly unlisted: readonly LoneAccess[];
  readonly unlistedCount: number;
}

export interface Continuity {
  readonly source: 'ledger' | 'log';
  readonly origin: string;
  readonly since: string;
  /** Of the time that was asked about. */
  readonly statements: number;
  readonly sessions: number;
  readonly findings: readonly Finding[];
  /** With those that are too many to be listed. */
  readonly findingCount: number;
  /** null: there is no `secret_audit_logs`, or no database. */
  readonly accesses: AccessContinuity | null;
}

export function isContinuous({ findingCount, accesses }: Continuity): boolean {
  return findingCount + (accesses?.unattestedCount ?? 0) + (accesses?.unlistedCount ?? 0) === 0;
}
