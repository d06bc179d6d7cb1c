/** What went wrong on the way, as the client itself names it. */
export type ClientErrorCode =
  | 'CLIENT_OPTION_INVALID'
  | 'TOKEN_UNFIT'
  | 'REQUEST_UNFIT'
  | 'SERVICE_UNREACHABLE'
  | 'SERVICE_FAILED'
  | 'REDIRECT_REFUSED'
  | 'ANSWER_LATE'
  | 'ANSWER_TOO_LARGE'
  | 'ANSWER_MALFORMED'
  | 'ANSWER_MISMATCH';

/** The `code` of a problem document: what the service says. A newer one may say more than is known here. */
export type ProblemCode = string & Record<never, never>;

interface ClientErrorDetails {
  /** Of the last answer; null where none came. */
  readonly status?: number | null;
  /** Seconds that the service asked to wait. */
  readonly retryAfterSeconds?: number | null;
}

/**
 * Nothing is allowed because of it. There is no `cause`: what a `fetch` or a token function throws may hold
 * the token.
 */
export class ClientError extends Error {
  readonly code: ClientErrorCode | ProblemCode;
  readonly status: number | null;
  readonly retryAfterSeconds: number | null;

  constructor(code: ClientError['code'], message: string, details: ClientErrorDetails = {}) {
    super(message);
    this.name = 'ClientError';
    this.code = code;
    this.status = details.status ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
  }
}

/**
 * What the model is told instead of a result. Its members are plain JSON, so it survives being stored and
 * sent on.
 */
export interface Refusal {
  readonly refused: true;
  readonly code: string;
  readonly clause: string | null;
  /** Where a person has to decide: the same call, repeated, goes through once that is done. */
  readonly ticket?: string;
}

interface GuardErrorDetails extends ErrorOptions {
  readonly refusal?: Refusal;
}

/** Why a guarded tool gave no result. The messages name the tool and never an argument or a result. */
export class GuardError extends Error {
  readonly code:
    | 'TOOL_UNGUARDABLE'
    | 'TOOL_REFUSED'
    | 'ARGUMENTS_UNFIT'
    | 'RESULT_UNFIT'
    | 'RESULT_TOO_LARGE'
    | 'TOOL_TIMEOUT'
    | 'TOOL_FAILED_HIDDEN'
    | 'OUTCOME_UNRECORDED';
  /** With TOOL_REFUSED. */
  readonly refusal: Refusal | null;

  constructor(code: GuardError['code'], message: string, details: GuardErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'GuardError';
    this.code = code;
    this.refusal = details.refusal ?? null;
  }
}
