/** The upstream could not be started or reached. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  constructor(
    readonly code:
      | 'UPSTREAM_NOT_FOUND'
      | 'UPSTREAM_NOT_STARTED'
      | 'UPSTREAM_NAME_INVALID'
      | 'UPSTREAM_URL_INVALID'
      | 'TOO_MANY_PROCESSES'
      | 'TOKEN_MISSING'
      | 'TOKEN_EXCHANGE_FAILED',
    message: string,
    options?: { cause: unknown },
  ) {
    super(message, options);
  }
}
