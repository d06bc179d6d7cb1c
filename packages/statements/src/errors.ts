/** A statement, record or export that does not have its documented shape. */
export class StatementError extends Error {
  readonly code: 'STATEMENT_MALFORMED' | 'STATEMENT_UNKNOWN_TYPE' | 'RECORD_MALFORMED' | 'EXPORT_MALFORMED';

  constructor(code: StatementError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StatementError';
    this.code = code;
  }
}
