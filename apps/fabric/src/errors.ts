/** What keeps the fabric from starting. Messages say what was expected, what came and how to mend it. */
export class FabricError extends Error {
  readonly code:
    | 'BUNDLE_MISSING'
    | 'BUNDLE_INVALID'
    | 'BUNDLE_ROLLBACK'
    | 'OPTION_INVALID'
    | 'CONFIG_INVALID'
    | 'USAGE_DAMAGED';

  constructor(code: FabricError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FabricError';
    this.code = code;
  }
}
