/** A request that enforcement cannot serve; none of these lets an action through. */
export class EnforcementError extends Error {
  readonly code:
    | 'EVIDENCE_UNAVAILABLE'
    | 'REQUEST_CONFLICT'
    | 'SESSION_BUSY'
    | 'SESSION_CORRUPT'
    | 'OUTCOME_REFUSED'
    | 'CLOSED';

  constructor(code: EnforcementError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EnforcementError';
    this.code = code;
  }
}
