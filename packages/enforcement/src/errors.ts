export type EnforcementErrorCode =
  | 'EVIDENCE_UNAVAILABLE'
  | 'USAGE_UNAVAILABLE'
  | 'SECRETS_UNAVAILABLE'
  | 'REQUEST_CONFLICT'
  | 'SESSION_BUSY'
  | 'SESSION_CORRUPT'
  | 'SESSION_ELSEWHERE'
  | 'SESSION_RESERVED'
  | 'OUTCOME_REFUSED'
  | 'TICKET_UNKNOWN'
  | 'TICKET_DECIDED'
  | 'APPROVER_REFUSED'
  | 'CLOSED';

/** A request that enforcement cannot serve; none of these lets an action through. */
export class EnforcementError extends Error {
  readonly code: EnforcementErrorCode;
  /** With SESSION_ELSEWHERE: where the session's owner listens, as far as it is known. null with every other code. */
  readonly address: string | null;

  constructor(
    code: EnforcementErrorCode,
    message: string,
    options: ErrorOptions & { readonly address?: string | null } = {},
  ) {
    const { address = null, ...rest } = options;
    super(message, rest);
    this.name = 'EnforcementError';
    this.code = code;
    this.address = address;
  }
}
