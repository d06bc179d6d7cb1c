export type GovernorErrorCode =
  | 'MANIFEST_INVALID'
  | 'MANIFEST_MISMATCH'
  | 'ENVELOPE_INVALID'
  | 'SIGNATURE_INVALID'
  | 'SIGNATURES_MISSING'
  | 'CHANGE_EXPIRED'
  | 'CHANGE_REPLAYED'
  | 'CHANGE_BLOCKED'
  | 'CHANGE_UNKNOWN'
  | 'IDEMPOTENCY_CONFLICT'
  | 'STALE_BASE'
  | 'TREE_UNSAFE'
  | 'TREE_BUSY'
  | 'TREE_DAMAGED'
  | 'POLICY_INVALID'
  | 'POLICY_MISMATCH'
  | 'POLICY_ROLLBACK'
  | 'TESTS_FAILED'
  | 'SANDBOX_UNAVAILABLE'
  | 'ROLLBACK_OVERLAP'
  | 'ROLLBACK_IMPOSSIBLE'
  | 'PROPOSAL_UNKNOWN'
  | 'PROPOSALS_FULL'
  | 'KEY_EXISTS'
  | 'KEY_UNKNOWN'
  | 'KEY_INVALID'
  | 'KILLED'
  // It could not be set or taken back everywhere.
  | 'KILL_SWITCH_UNAVAILABLE'
  | 'CHANGE_AUDIT_UNAVAILABLE'
  | 'CHANGE_AUDIT_DAMAGED'
  | 'GIT_FAILED'
  | 'GOVERNOR_FORBIDDEN';

/** Messages name what was expected and what came; never a key, a token or a line of a changed file. */
export class GovernorError extends Error {
  readonly code: GovernorErrorCode;

  constructor(code: GovernorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GovernorError';
    this.code = code;
  }
}
