import { ClientError } from '../errors.ts';

/**
 * The part of the platform's `fetch` that is used; one with a dispatcher, proxy or TLS options of your own
 * fits too.
 */
export type Fetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly redirect: 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<FetchAnswer>;

export interface FetchAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
}

/** A capability token, or where to get the one of the moment: it is asked before each attempt. */
export type TokenSource = string | (() => string | Promise<string>);

export interface TransportOptions {
  /** Of the service, such as `https://fabric.example:8080`. */
  readonly url: string;
  readonly token: TokenSource;
  /** For one attempt, from asking for the token to the last byte of the answer. Default: 10 s. */
  readonly timeoutMs?: number;
  /** Attempts after the first. Default: 4. */
  readonly retries?: number;
  /** Before the first repetition; doubles with each, with jitter, up to 30 s. Default: 100 ms. */
  readonly retryDelayMs?: number;
  /** Default: the platform's. */
  readonly fetch?: Fetch;
  /** Tokens go over plain HTTP only to this machine, unless something else keeps the network private. */
  readonly allowPlainHttp?: boolean;
}

export interface CheckedOptions {
  /** Without a slash at its end. */
  readonly base: URL;
  readonly token: TokenSource;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly fetch: Fetch;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export function checkOptions(options: TransportOptions): CheckedOptions {
  return {
    base: baseOf(options.url, options.allowPlainHttp ?? false),
    token: options.token,
    timeoutMs: within('timeoutMs', options.timeoutMs ?? 10_000, 1, 600_000),
    retries: within('retries', options.retries ?? 4, 0, 20),
    retryDelayMs: within('retryDelayMs', options.retryDelayMs ?? 100, 0, 30_000),
    fetch: options.fetch ?? globalThis.fetch,
  };
}

function baseOf(text: string, allowPlainHttp: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw invalid('expected `url` to be an http or https URL such as `https://fabric.example:8080`');
  // Not shown: what stands before an `@`, or in a query, may be a secret.
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalid('expected `url` without user, password, query and fragment; the token has its own option');
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname) && !allowPlainHttp)
    throw invalid(
      `expected https for \`${url.hostname}\`: a token over plain http can be read on the way; ` +
        'set `allowPlainHttp` where something else protects the network',
    );
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

function within(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalid(`expected \`${name}\` to be a whole number from ${least} to ${most}, came \`${value}\``);
}

function invalid(message: string): ClientError {
  return new ClientError('CLIENT_OPTION_INVALID', message);
}
