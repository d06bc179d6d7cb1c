export type EvidenceErrorCode =
  // Durability cannot be had right now (disk full, input/output error, queue full, closed): nothing of it was
  // kept.
  | 'EVIDENCE_UNAVAILABLE'
  // What is stored contradicts itself or a signature; never repaired by guessing.
  | 'EVIDENCE_CORRUPT'
  // A commit that no correct caller makes: entries out of order, a salt of another length, too large.
  | 'BAD_COMMIT'
  // A stored record that its tenant's key does not open.
  | 'RECORD_UNREADABLE'
  | 'KEY_MISSING'
  | 'KEY_MALFORMED'
  | 'KEY_PERMISSIONS'
  | 'FOLDER_IN_USE'
  | 'BUNDLE_MALFORMED'
  | 'BUNDLE_MISSING'
  | 'BUNDLE_ROLLBACK'
  // An export was asked for something that this log does not hold.
  | 'NOT_IN_LOG'
  // The ledger has more of this log than there is: the data folder was put back from an old backup.
  | 'LOG_BEHIND_LEDGER'
  // A token was asked for that must not exist: too long-lived, or with claims of another shape.
  | 'BAD_TOKEN_REQUEST';

/**
 * Every failure of this package. Messages name the file and the mend, never a key, token, prompt or argument.
 */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError';
  readonly code: EvidenceErrorCode;

  constructor(code: EvidenceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The system's own word for a failed call, for example `ENOSPC`. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}

export function hasSystemCode(error: unknown, code: string): boolean {
  return systemCode(error) === code;
}
