import { type JsonValue, parseJsonBytes, stringifyJson } from '@provability-fabric/kernel';
import { TimeUp, withDeadline } from '../deadline.ts';
import { ClientError } from '../errors.ts';
import { bearerFrom, tenantIn } from './bearer.ts';
import { checkOptions, type TransportOptions } from './options.ts';
import { problemFrom } from './problem.ts';
import { readBounded } from './read-bounded.ts';
import { retryDelay, secondsIn } from './retry-delay.ts';

export interface Request {
  readonly method: 'GET' | 'POST';
  /** Below the base URL, from its slash on, with the query if there is one. */
  readonly path: string;
  readonly body?: JsonValue;
  readonly signal?: AbortSignal | undefined;
  /** Longest body of an answer. */
  readonly maxBytes: number;
  /** Statuses that are an answer; 200 where nothing else is said. */
  readonly answers?: readonly number[];
  /** Asking twice does it twice: repeated only where the service says that it did nothing. */
  readonly once?: boolean;
  /**
   * The same question under a new id, where the id is the client's own. Asked for where the service says that the old
   * one stands for an action that it decided and never answered.
   */
  readonly renewed?: () => JsonValue;
  /** For probes, which nobody needs a token for. */
  readonly anonymous?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly link: string | null;
  /** Whom the token that was sent names; null where it does not say. */
  readonly tenant: string | null;
}

/** One request and its answer, repeated where nothing or nobody is harmed by that. */
export interface Transport {
  readonly base: URL;
  /** Rejects with a ClientError, or with the reason of the caller's signal. */
  send(request: Request): Promise<Answer>;
}

/** Nothing was done, or asking again gives the same answer. */
const PASSING = new Set([408, 429, 502, 503, 504]);
/** Nothing was done, by the service's own word. */
const UNDONE = new Set([408, 429, 503]);

export function createTransport(options: TransportOptions): Transport {
  const { base, token, timeoutMs, retries, retryDelayMs, fetch } = checkOptions(options);

  async function attempt(request: Request, text: string | undefined, signal: AbortSignal): Promise<Answer> {
    const bearer = request.anonymous === true ? null : await bearerFrom(token);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (bearer !== null) headers.authorization = `Bearer ${bearer}`;
    if (text !== undefined) headers['content-type'] = 'application/json';
    const { method, path, maxBytes, answers = [200] } = request;
    const body = text === undefined ? {} : { body: text };
    // A redirect would carry the token, or the decision, elsewhere.
    const init = { method, headers, ...body, redirect: 'manual', signal } as const;
    const response = await reached(() => fetch(`${base.href.replace(/\/$/, '')}${path}`, init));
    const { status } = response;
    if (status === 0 || (status >= 300 && status < 400)) {
      response.body?.cancel().catch(() => undefined);
      throw new ClientError(
        'REDIRECT_REFUSED',
        `expected an answer, came a redirect (status \`${status}\`)`,
        {
          status,
        },
      );
    }
    const bytes = await reached(() => readBounded(response.body, maxBytes));
    if (answers.includes(status)) {
      const tenant = bearer === null ? null : tenantIn(bearer);
      return { status, body: bytes, link: response.headers.get('link'), tenant };
    }
    const retryAfterSeconds = secondsIn(response.headers.get('retry-after'));
    throw problemFrom({ status, body: bytes, retryAfterSeconds, token: bearer });
  }

  async function bounded(request: Request, text: string | undefined): Promise<Answer> {
    try {
      return await withDeadline(timeoutMs, request.signal, (signal) => attempt(request, text, signal));
    } catch (error) {
      if (request.signal?.aborted === true) throw request.signal.reason;
      if (error instanceof ClientError) throw error;
      if (error instanceof TimeUp)
        throw new ClientError('ANSWER_LATE', `expected an answer within ${timeoutMs} ms, came none`);
      throw new ClientError('SERVICE_UNREACHABLE', 'expected the fabric to answer, and it cannot be reached');
    }
  }

  return {
    base,
    async send(request) {
      // Written once: a repetition is the same request, byte for byte, and so has the same request id.
      let text = request.body === undefined ? undefined : written(request.body);
      let askedBefore = false;
      for (let repetition = 1; ; repetition++) {
        try {
          return await bounded(request, text);
        } catch (error) {
          if (!(error instanceof ClientError)) throw error;
          // Nobody else has the id, and nothing but this was asked under it: what it conflicts with is its own first
          // answer, which was withheld (EVIDENCE_UNAVAILABLE) and will never be given.
          const renewed: Request['renewed'] =
            askedBefore && error.code === 'REQUEST_CONFLICT' ? request.renewed : undefined;
          const wait =
            renewed !== undefined || mayPass(error, request.once ?? false)
              ? waitAfter(error, repetition)
              : null;
          if (wait === null) throw error;
          if (renewed !== undefined) text = written(renewed());
          askedBefore = renewed === undefined;
          await pause(wait, request.signal);
        }
      }
    },
  };

  /** Milliseconds until the next attempt; null: there is none. */
  function waitAfter({ retryAfterSeconds }: ClientError, repetition: number): number | null {
    if (repetition > retries) return null;
    return retryDelay(repetition, retryDelayMs, retryAfterSeconds, Math.random);
  }

  function mayPass({ code, status }: ClientError, once: boolean): boolean {
    // Nobody was let in; a token function may have another one by now.
    if (code === 'CAP_EXPIRED') return typeof token === 'function';
    // A proxy's 503 has no problem document, and does not know what became of the request.
    if (once) return status !== null && UNDONE.has(status) && code !== 'TIMEOUT' && code !== 'SERVICE_FAILED';
    if (status !== null) return PASSING.has(status);
    return code === 'SERVICE_UNREACHABLE' || code === 'ANSWER_LATE';
  }
}

/** Bytes that should be one JSON document. */
export function jsonOf({ body }: Answer): JsonValue {
  try {
    return parseJsonBytes(body);
  } catch {
    throw new ClientError('ANSWER_MALFORMED', 'expected JSON from the fabric, came something else');
  }
}

function written(body: JsonValue): string {
  try {
    return stringifyJson(body);
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'unknown';
    throw new ClientError('REQUEST_UNFIT', `expected a request that JSON can say: ${problem}`);
  }
}

/** A code of the operating system or of undici; anything else a `fetch` throws may hold what it was given. */
async function reached<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ClientError || error instanceof TimeUp) throw error;
    const { code } = ((error as { cause?: unknown } | null)?.cause ?? error ?? {}) as { code?: unknown };
    const named = typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : '';
    throw new ClientError(
      'SERVICE_UNREACHABLE',
      `expected the fabric to answer, and it cannot be reached${named}`,
    );
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const wait = withDeadline(ms, signal, () => new Promise<never>(() => undefined));
  await wait.catch((error: unknown) => {
    if (!(error instanceof TimeUp)) throw error;
  });
}
