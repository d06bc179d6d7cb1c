/** The upstream could not be started. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  constructor(
    readonly code: 'UPSTREAM_NOT_FOUND' | 'UPSTREAM_NOT_STARTED',
    message: string,
    options?: { cause: unknown },
  ) {
    super(message, options);
  }
}
