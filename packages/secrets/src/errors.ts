export type SecretErrorCode =
  | 'SECRET_NAME_INVALID'
  | 'SECRET_VALUE_INVALID'
  | 'SECRET_REQUEST_INVALID'
  | 'SECRET_NOT_FOUND'
  | 'SECRET_VERSION_NOT_FOUND'
  | 'SECRET_DELETED'
  | 'SECRET_DESTROYED'
  | 'SECRET_CONFLICT'
  | 'SECRET_FORBIDDEN'
  | 'SECRET_RATE_LIMITED'
  | 'SECRETS_SEALED'
  | 'PROVIDER_UNAVAILABLE'
  | 'PROVIDER_FORBIDDEN'
  | 'PROVIDER_UNSUPPORTED'
  | 'PROVIDER_INCONSISTENT'
  | 'AUDIT_UNAVAILABLE'
  | 'ROTATION_INVALID'
  | 'ROTATION_UNDER_WAY'
  | 'ROTATION_FAILED';

/** Messages name what was expected and what came; never a value of a secret or a part of one. */
export class SecretError extends Error {
  readonly code: SecretErrorCode;

  constructor(code: SecretErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SecretError';
    this.code = code;
  }
}

/** SECRET_RATE_LIMITED, and when to come again. */
export class SecretRateError extends SecretError {
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('SECRET_RATE_LIMITED', `expected fewer accesses to secrets; come again in ${retryAfterMs} ms`);
    this.name = 'SecretRateError';
    this.retryAfterMs = retryAfterMs;
  }
}
