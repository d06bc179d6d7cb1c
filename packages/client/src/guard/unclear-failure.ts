/** A connection that broke, or an answer that did not come: the request may have been acted on. */
const CODES = new Set([
  'ABORT_ERR',
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
  'UND_ERR_ABORTED',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
  // Of a guarded tool that this one called: it acted, or may have.
  'OUTCOME_UNRECORDED',
  'RESULT_TOO_LARGE',
  'RESULT_UNFIT',
  'TOOL_TIMEOUT',
]);
const NAMES = new Set(['AbortError', 'TimeoutError']);
const MOST_CAUSES = 8;

/**
 * Whether an error leaves open if the action happened. A tool that throws anything else says that it did not.
 */
export function isUnclear(error: unknown): boolean {
  let at: unknown = error;
  for (let depth = 0; depth < MOST_CAUSES && typeof at === 'object' && at !== null; depth++) {
    const { name, code, cause } = at as { name?: unknown; code?: unknown; cause?: unknown };
    if (NAMES.has(name as string) || CODES.has(code as string)) return true;
    at = cause;
  }
  return false;
}
