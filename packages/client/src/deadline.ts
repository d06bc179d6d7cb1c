/** A time-limit ran out, and not the caller's patience. */
export class TimeUp extends Error {}

/**
 * Gives `work` a signal that ends with the outer one or after `ms`, and stops waiting then even if `work`
 * does not: neither a foreign `fetch` nor a tool is trusted to heed a signal. Rejects with the outer signal's
 * reason, or with TimeUp. Not AbortSignal.any: on a long-lived outer signal it would pile up.
 */
export async function withDeadline<Result>(
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  outer?.throwIfAborted();
  const inner = new AbortController();
  const stop = () => inner.abort(outer?.reason);
  outer?.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => inner.abort(new TimeUp(`no end within ${ms} ms`)), ms);
  try {
    return await untilAborted(inner.signal, work(inner.signal));
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', stop);
  }
}

/** Waits for `work`, and no longer than until the signal. What comes of it afterwards is dropped. */
export function untilAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
