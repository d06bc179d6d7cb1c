/** What is done with secrets. */
export type SecretAction =
  | 'READ'
  | 'WRITE'
  | 'LIST'
  | 'DESCRIBE'
  | 'DELETE'
  | 'UNDELETE'
  | 'DESTROY'
  | 'REMOVE'
  | 'ROLLBACK'
  | 'ROTATE'
  | 'USE'
  | 'MOUNT'
  | 'FINGERPRINT';

/** STARTED: something that changes a secret is about to be done; what came of it follows under the same access id. */
export type AccessResult = 'STARTED' | 'SUCCESS' | 'FAILURE' | 'DENIED';

export interface SecretAccess {
  /** UUID. */
  readonly id: string;
  readonly tenant: string;
  /** Who: the subject of the token, or `system:rotation` and the like. */
  readonly principal: string;
  readonly action: SecretAction;
  /** The name, a prefix for LIST, or `-` where what was asked for is no name. */
  readonly secret: string;
  /** Absent where no version is concerned or known. */
  readonly version?: number;
  readonly result: AccessResult;
  /** A code, never a message. */
  readonly errorCode?: string;
  /** Names, numbers and codes: tool, session, certificate, provider, client. At most 16; never a value of a secret. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
  /** ms since 1970. */
  readonly at: number;
}

/**
 * Where accesses are put on record. Resolves once the record is durable in the ledger's journal and in
 * `secret_audit_logs`; throws AUDIT_UNAVAILABLE where it is not, and then no value may leave.
 */
export interface AuditTrail {
  record(access: SecretAccess): Promise<void>;
}
