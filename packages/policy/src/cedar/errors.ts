export type CedarErrorCode = 'CEDAR_VALUE' | 'CEDAR_ENTITIES' | 'CEDAR_IR';

/**
 * Entities, values or an IR that cannot be loaded. Evaluation itself never throws: its errors are results.
 */
export class CedarError extends Error {
  override readonly name = 'CedarError';

  constructor(
    readonly code: CedarErrorCode,
    message: string,
  ) {
    super(message);
  }
}
