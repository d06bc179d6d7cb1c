import { createHash } from 'node:crypto';
import { UpstreamError } from '../errors.ts';
import { httpUrl, type TokenExchange } from './definition.ts';
import { connectionProblem, HttpConnection, readBody } from './http-connection.ts';

export interface ExchangerOptions {
  readonly exchange: TokenExchange;
  /** The secret of a name; asked for each exchange, so that a rotated one is used at once. */
  readonly secret: (name: string) => Promise<string>;
  readonly now: () => number;
  readonly ca?: string | undefined;
}

interface CachedToken {
  readonly token: string;
  readonly until: number;
}

const MAX_CACHED = 1_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const ANSWER_TIMEOUT_MS = 10_000;
const DEFAULT_LIFETIME_S = 60;
const MAX_LIFETIME_S = 24 * 3600;
const MARGIN_MS = 30_000;
const BEARER_TOKEN = /^[A-Za-z0-9\-._~+/]{1,8192}=*$/; // RFC 6750 §2.1
// RFC 6749 §5.2, RFC 8693 §2.2.2: anything else that comes as `error` is the peer's free text.
const OAUTH_ERRORS = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
]);

/** Tokens for an upstream, given for the caller's own (RFC 8693), kept until shortly before they expire. */
export class TokenExchanger {
  /** By digest: the caller's tokens themselves are not kept. Oldest first. */
  private readonly cached = new Map<string, CachedToken>();
  private readonly underWay = new Map<string, Promise<string>>();
  private readonly endpoint: HttpConnection;

  constructor(private readonly options: ExchangerOptions) {
    this.endpoint = new HttpConnection(httpUrl(options.exchange.tokenEndpoint), options.ca);
  }

  /** `callerKey` too: two callers never share a token, even where both show the same one. */
  async tokenFor(callerKey: string, subjectToken: string): Promise<string> {
    const key = cacheKey(callerKey, subjectToken);
    const cached = this.cached.get(key);
    if (cached !== undefined && cached.until > this.options.now()) return cached.token;
    const joined = this.underWay.get(key);
    if (joined !== undefined) return joined;
    const asked = this.ask(key, subjectToken).finally(() => this.underWay.delete(key));
    this.underWay.set(key, asked);
    return asked;
  }

  /** The upstream did not take it. */
  forget(callerKey: string, subjectToken: string): void {
    this.cached.delete(cacheKey(callerKey, subjectToken));
  }

  close(): Promise<void> {
    return this.endpoint.close();
  }

  private async ask(key: string, subjectToken: string): Promise<string> {
    const { exchange, secret, now } = this.options;
    const askedAt = now();
    const { status, text } = await this.post(form(exchange, subjectToken), await basic(exchange, secret));
    const answer = parse(text);
    if (status !== 200) throw failed(`status ${status}, ${oauthError(answer)}`);
    const token = answer.access_token;
    if (typeof token !== 'string' || !BEARER_TOKEN.test(token)) throw failed('no usable access_token');
    const type = answer.token_type;
    if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') throw failed('no bearer token');
    this.keep(key, { token, until: askedAt + lifetimeMs(answer.expires_in) });
    return token;
  }

  private async post(body: string, authorization: string): Promise<{ status: number; text: string }> {
    const headers = {
      authorization,
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    };
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    try {
      const response = await this.endpoint.request({ method: 'POST', headers, body, signal });
      const bytes = await readBody(response.body, MAX_ANSWER_BYTES);
      return { status: response.status, text: bytes?.toString('utf8') ?? '' };
    } catch (error) {
      throw failed(connectionProblem(error).code);
    }
  }

  private keep(key: string, token: CachedToken): void {
    this.cached.delete(key);
    this.cached.set(key, token);
    for (const oldest of this.cached.keys()) {
      if (this.cached.size <= MAX_CACHED) break;
      this.cached.delete(oldest);
    }
  }
}

function cacheKey(callerKey: string, subjectToken: string): string {
  return createHash('sha256')
    .update(JSON.stringify([callerKey, subjectToken]))
    .digest('hex');
}

function form({ audience, resource, scope }: TokenExchange, subjectToken: string): string {
  const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
  const fields = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: accessToken,
    requested_token_type: accessToken,
  });
  if (audience !== undefined) fields.set('audience', audience);
  if (resource !== undefined) fields.set('resource', resource);
  if (scope !== undefined) fields.set('scope', scope);
  return fields.toString();
}

/** RFC 6749 §2.3.1: both parts are form-encoded first. */
async function basic(
  { clientId, clientSecret }: TokenExchange,
  secret: ExchangerOptions['secret'],
): Promise<string> {
  let value: string;
  try {
    value = await secret(clientSecret);
  } catch {
    throw failed('the secret of the client could not be had');
  }
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(value)}`).toString('base64')}`;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function oauthError({ error }: Readonly<Record<string, unknown>>): string {
  return typeof error === 'string' && OAUTH_ERRORS.has(error) ? error : 'no known OAuth error';
}

function lifetimeMs(expiresIn: unknown): number {
  const known = typeof expiresIn === 'number' && Number.isFinite(expiresIn) && expiresIn > 0;
  const ms = 1000 * Math.min(known ? expiresIn : DEFAULT_LIFETIME_S, MAX_LIFETIME_S);
  return ms - Math.min(MARGIN_MS, ms / 2);
}

/** Neither tokens nor anything else that came may be in it. */
function failed(why: string): UpstreamError {
  const text = `expected the token endpoint to exchange the caller's token, got ${why}`;
  return new UpstreamError('TOKEN_EXCHANGE_FAILED', text);
}
