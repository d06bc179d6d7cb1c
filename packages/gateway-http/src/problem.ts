import { STATUS_CODES } from 'node:http';
import { EnforcementError, type EnforcementErrorCode } from '@provability-fabric/enforcement';
import { GovernorError } from '@provability-fabric/governor';
import type { JsonObject } from '@provability-fabric/kernel';
import { SecretError, SecretRateError } from '@provability-fabric/secrets';
import { type ProblemCode, RequestError } from './errors.ts';
import { membersOf } from './governor/refusal.ts';

/** The one place where a problem gets its HTTP status. */
const STATUS: Readonly<Record<ProblemCode, number>> = {
  REQUEST_MALFORMED: 400,
  JSON_SYNTAX: 400,
  JSON_DUPLICATE_KEY: 400,
  JSON_LONE_SURROGATE: 400,
  JSON_NUMBER_RANGE: 400,
  JSON_DEPTH: 400,
  JSON_UTF8: 400,
  TLS_REQUIRED: 400,
  BAD_CURSOR: 400,
  BAD_QUERY: 400,
  SECRET_NAME_INVALID: 400,
  SECRET_VALUE_INVALID: 400,
  SECRET_REQUEST_INVALID: 400,
  ROTATION_INVALID: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_MISMATCH: 400,
  ENVELOPE_INVALID: 400,
  SIGNATURE_INVALID: 400,
  UNAUTHENTICATED: 401,
  CAP_EXPIRED: 401,
  CAP_REVOKED: 401,
  EPOCH_STALE: 401,
  EPOCH_FUTURE: 401,
  FORBIDDEN: 403,
  APPROVER_REFUSED: 403,
  SESSION_RESERVED: 403,
  SECRET_FORBIDDEN: 403,
  GOVERNOR_FORBIDDEN: 403,
  SIGNATURES_MISSING: 403,
  CHANGE_EXPIRED: 403,
  CHANGE_BLOCKED: 403,
  KEY_INVALID: 403,
  NOT_FOUND: 404,
  TICKET_UNKNOWN: 404,
  SECRET_NOT_FOUND: 404,
  SECRET_VERSION_NOT_FOUND: 404,
  SECRET_DELETED: 404,
  SECRET_DESTROYED: 404,
  CHANGE_UNKNOWN: 404,
  PROPOSAL_UNKNOWN: 404,
  KEY_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  REQUEST_CONFLICT: 409,
  OUTCOME_REFUSED: 409,
  TICKET_DECIDED: 409,
  SESSION_ELSEWHERE: 409,
  EPOCH_NOT_RAISED: 409,
  BUNDLE_ROLLBACK: 409,
  BUNDLE_WRONG_NAME: 409,
  SECRET_CONFLICT: 409,
  ROTATION_UNDER_WAY: 409,
  CHANGE_REPLAYED: 409,
  IDEMPOTENCY_CONFLICT: 409,
  STALE_BASE: 409,
  POLICY_MISMATCH: 409,
  ROLLBACK_OVERLAP: 409,
  ROLLBACK_IMPOSSIBLE: 409,
  KEY_EXISTS: 409,
  TREE_UNSAFE: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  BUNDLE_INVALID: 422,
  TESTS_FAILED: 422,
  RATE_LIMITED: 429,
  SECRET_RATE_LIMITED: 429,
  PROPOSALS_FULL: 429,
  HEADERS_TOO_LARGE: 431,
  SESSION_CORRUPT: 500,
  INTERNAL: 500,
  LEDGER_CONFLICT: 500,
  LEDGER_CORRUPT: 500,
  GIT_FAILED: 500,
  PROVIDER_UNSUPPORTED: 501,
  PROVIDER_FORBIDDEN: 502,
  PROVIDER_INCONSISTENT: 502,
  ROTATION_FAILED: 502,
  SECRETS_SEALED: 503,
  PROVIDER_UNAVAILABLE: 503,
  AUDIT_UNAVAILABLE: 503,
  KILLED: 503,
  KILL_SWITCH_UNAVAILABLE: 503,
  TREE_BUSY: 503,
  TREE_DAMAGED: 503,
  SANDBOX_UNAVAILABLE: 503,
  POLICY_INVALID: 503,
  POLICY_ROLLBACK: 503,
  CHANGE_AUDIT_UNAVAILABLE: 503,
  CHANGE_AUDIT_DAMAGED: 503,
  OVERLOADED: 503,
  SESSION_BUSY: 503,
  EVIDENCE_UNAVAILABLE: 503,
  USAGE_UNAVAILABLE: 503,
  SECRETS_UNAVAILABLE: 503,
  AUTHORITY_STALE: 503,
  OWNER_UNREACHABLE: 503,
  LEDGER_UNAVAILABLE: 503,
  LEDGER_READ_ONLY: 503,
  LEDGER_TOO_OLD: 503,
  LEDGER_REFUSED: 503,
  LEDGER_SCHEMA_NEWER: 503,
  SHUTTING_DOWN: 503,
  TIMEOUT: 503,
};

export const PROBLEM_CODES = Object.keys(STATUS) as readonly ProblemCode[];

const ENFORCEMENT: Readonly<Record<EnforcementErrorCode, ProblemCode>> = {
  EVIDENCE_UNAVAILABLE: 'EVIDENCE_UNAVAILABLE',
  USAGE_UNAVAILABLE: 'USAGE_UNAVAILABLE',
  SECRETS_UNAVAILABLE: 'SECRETS_UNAVAILABLE',
  REQUEST_CONFLICT: 'REQUEST_CONFLICT',
  SESSION_BUSY: 'SESSION_BUSY',
  SESSION_CORRUPT: 'SESSION_CORRUPT',
  OUTCOME_REFUSED: 'OUTCOME_REFUSED',
  TICKET_UNKNOWN: 'TICKET_UNKNOWN',
  TICKET_DECIDED: 'TICKET_DECIDED',
  APPROVER_REFUSED: 'APPROVER_REFUSED',
  SESSION_ELSEWHERE: 'SESSION_ELSEWHERE',
  SESSION_RESERVED: 'SESSION_RESERVED',
  CLOSED: 'SHUTTING_DOWN',
};

/** What ports say of the ledger; their errors are known by shape, since storage is of the same ring. */
const LEDGER: ReadonlySet<string> = new Set<ProblemCode>([
  'LEDGER_UNAVAILABLE',
  'LEDGER_READ_ONLY',
  'LEDGER_TOO_OLD',
  'LEDGER_REFUSED',
  'LEDGER_SCHEMA_NEWER',
  'LEDGER_CONFLICT',
  'LEDGER_CORRUPT',
  'EPOCH_NOT_RAISED',
  'BAD_CURSOR',
  'BAD_QUERY',
]);

/** An RFC 9457 problem, ready to be rendered. */
export interface Problem {
  readonly code: ProblemCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly document: JsonObject;
}

/**
 * What a client is told about an error. Anything unforeseen says nothing but its code: its message may hold
 * a payload.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof RequestError) return describe(error, requestId);
  if (error instanceof EnforcementError) {
    return describe(new RequestError(ENFORCEMENT[error.code], error.message), requestId);
  }
  if (error instanceof SecretError) return describe(ofSecrets(error), requestId);
  if (error instanceof GovernorError)
    return describe(new RequestError(error.code, error.message, { members: membersOf(error) }), requestId);
  if (isLedgerError(error)) return describe(new RequestError(error.code, error.message), requestId);
  return describe(frameworkError(error), requestId);
}

/** Messages about secrets name what was expected, never a value. */
function ofSecrets(error: SecretError): RequestError {
  if (!(error instanceof SecretRateError)) return new RequestError(error.code, error.message);
  const seconds = Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  return new RequestError(error.code, error.message, { headers: { 'retry-after': `${seconds}` } });
}

/** Their messages are written for clients: no address, secret or value is in them. */
export function isLedgerError(error: unknown): error is Error & { readonly code: ProblemCode } {
  if (!(error instanceof Error) || !/^(?:Ledger|Storage)Error$/.test(error.name)) return false;
  return LEDGER.has(String((error as NodeJS.ErrnoException).code));
}

function describe(error: RequestError | undefined, requestId: string): Problem {
  const code = error?.code ?? 'INTERNAL';
  const status = STATUS[code];
  // Whatever is refused for a while only should say when to come back.
  const retry: Record<string, string> = status === 503 ? { 'retry-after': '1' } : {};
  return {
    code,
    status,
    headers: { ...retry, ...error?.headers },
    document: {
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Error',
      status,
      code,
      ...(error === undefined ? {} : { detail: error.message }),
      ...error?.members,
      request_id: requestId,
    },
  };
}

/** What fastify itself refuses. Its messages repeat the URL, so ours are given instead. */
function frameworkError(error: unknown): RequestError | undefined {
  switch (error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new RequestError('BODY_TOO_LARGE', 'expected a body within the limit, came a longer one');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new RequestError('UNSUPPORTED_MEDIA_TYPE', 'expected `content-type: application/json` or none');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'ECONNRESET':
      return new RequestError(
        'REQUEST_MALFORMED',
        'expected a body of the announced length, came fewer bytes',
      );
    case 'FST_ERR_BAD_URL':
      return new RequestError('REQUEST_MALFORMED', 'expected a URL whose percent escapes are UTF-8');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new RequestError('REQUEST_MALFORMED', 'expected a shorter part of the path');
    default:
      return undefined;
  }
}
