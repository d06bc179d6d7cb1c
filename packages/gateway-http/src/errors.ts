import type { GovernorErrorCode } from '@provability-fabric/governor';
import type { JsonObject } from '@provability-fabric/kernel';
import type { SecretErrorCode } from '@provability-fabric/secrets';

/** The server could not be put up; for the operator who started it. */
export class GatewayError extends Error {
  readonly code: 'PORT_IN_USE' | 'LISTEN_FAILED' | 'TLS_INVALID' | 'JWT_INVALID';

  constructor(code: GatewayError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GatewayError';
    this.code = code;
  }
}

/** The `code` of every problem that a client can be answered with; stable, and each has its page. */
export type ProblemCode =
  | SecretErrorCode
  | GovernorErrorCode
  | 'UNAUTHENTICATED'
  | 'CAP_EXPIRED'
  | 'CAP_REVOKED'
  | 'EPOCH_STALE'
  | 'EPOCH_FUTURE'
  | 'FORBIDDEN'
  | 'REQUEST_MALFORMED'
  | 'JSON_SYNTAX'
  | 'JSON_DUPLICATE_KEY'
  | 'JSON_LONE_SURROGATE'
  | 'JSON_NUMBER_RANGE'
  | 'JSON_DEPTH'
  | 'JSON_UTF8'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'BODY_TOO_LARGE'
  | 'HEADERS_TOO_LARGE'
  | 'REQUEST_TIMEOUT'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'TLS_REQUIRED'
  | 'BAD_CURSOR'
  | 'BAD_QUERY'
  | 'REQUEST_CONFLICT'
  | 'OUTCOME_REFUSED'
  | 'TICKET_UNKNOWN'
  | 'TICKET_DECIDED'
  | 'APPROVER_REFUSED'
  | 'SESSION_ELSEWHERE'
  | 'SESSION_RESERVED'
  | 'OWNER_UNREACHABLE'
  | 'EPOCH_NOT_RAISED'
  | 'BUNDLE_INVALID'
  | 'BUNDLE_ROLLBACK'
  | 'BUNDLE_WRONG_NAME'
  | 'RATE_LIMITED'
  | 'OVERLOADED'
  | 'SESSION_BUSY'
  | 'SESSION_CORRUPT'
  | 'EVIDENCE_UNAVAILABLE'
  | 'USAGE_UNAVAILABLE'
  | 'SECRETS_UNAVAILABLE'
  | 'AUTHORITY_STALE'
  | 'LEDGER_UNAVAILABLE'
  | 'LEDGER_READ_ONLY'
  | 'LEDGER_TOO_OLD'
  | 'LEDGER_REFUSED'
  | 'LEDGER_SCHEMA_NEWER'
  | 'LEDGER_CONFLICT'
  | 'LEDGER_CORRUPT'
  | 'SHUTTING_DOWN'
  | 'TIMEOUT'
  | 'INTERNAL';

interface RequestErrorExtras {
  /** Further members of the problem document. */
  readonly members?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A request that is answered with a problem document. The message goes to the client: no token, argument or
 * result.
 */
export class RequestError extends Error {
  readonly code: ProblemCode;
  readonly members: JsonObject;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, message: string, extras: RequestErrorExtras = {}) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
    this.members = extras.members ?? {};
    this.headers = extras.headers ?? {};
  }
}

/** Why nobody could be made out: no token, or one that does not hold. */
export type AuthenticationCode =
  | 'UNAUTHENTICATED'
  | 'CAP_EXPIRED'
  | 'CAP_REVOKED'
  | 'EPOCH_STALE'
  | 'EPOCH_FUTURE';

/** No token, or one that does not hold; `tag` is how the log calls it. */
export class Unauthenticated extends RequestError {
  readonly tag: 'UNAUTHORIZED' | 'AUTH_FAILED';

  constructor(code: AuthenticationCode, tag: Unauthenticated['tag'], reason: string) {
    const challenge = 'Bearer realm="provability-fabric"';
    // RFC 6750 section 3.1: no error where there was no token at all.
    const value = tag === 'UNAUTHORIZED' ? challenge : `${challenge}, error="invalid_token"`;
    super(code, reason, { headers: { 'www-authenticate': value } });
    this.tag = tag;
  }
}
