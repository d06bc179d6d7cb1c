export type LedgerErrorCode =
  // No connection, no answer in time, starting up, out of connections or disk: nothing is known to be kept.
  | 'LEDGER_UNAVAILABLE'
  | 'LEDGER_READ_ONLY'
  // The server is older than PostgreSQL 15.
  | 'LEDGER_TOO_OLD'
  // The login, its password or its rights: waiting does not mend it.
  | 'LEDGER_REFUSED'
  // The schema is of an older release, or missing, and whoever asks is not to change it.
  | 'LEDGER_SCHEMA_OLDER'
  // The schema was made by a newer release.
  | 'LEDGER_SCHEMA_NEWER'
  // Evidence contradicts evidence: a gap, a fork, two statements for one seq.
  | 'LEDGER_CONFLICT'
  // What is stored contradicts itself or its signature.
  | 'LEDGER_CORRUPT'
  // An entry that no correct caller sends.
  | 'BAD_ENTRY'
  | 'BAD_CURSOR'
  | 'BAD_QUERY'
  // An epoch only goes up.
  | 'EPOCH_NOT_RAISED'
  // No PostgreSQL binaries for this machine, or no way to run them as an unprivileged user.
  | 'POSTGRES_UNSUPPORTED'
  // The data folder was made by another major version.
  | 'POSTGRES_OTHER_VERSION'
  // It did not start, or did not stop.
  | 'POSTGRES_FAILED';

/** Every failure of this package. Messages never hold an address, a login, a password or a stored value. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: LedgerErrorCode;

  constructor(code: LedgerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A URL that names no Redis; an unreachable one is no error. */
export type RedisErrorCode = 'REDIS_URL_INVALID';

export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly code: RedisErrorCode;

  constructor(code: RedisErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
