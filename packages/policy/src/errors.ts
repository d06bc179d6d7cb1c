/** Something handed to the policy engine does not have its documented shape. */
export class PolicyError extends Error {
  readonly code: 'BUNDLE_MALFORMED' | 'INPUT_MALFORMED' | 'TRACE_MALFORMED';

  constructor(code: PolicyError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PolicyError';
    this.code = code;
  }
}
