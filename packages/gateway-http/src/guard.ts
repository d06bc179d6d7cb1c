import type { IncomingMessage } from 'node:http';
import { Admission } from './admission.ts';
import { within } from './deadline.ts';
import { RequestError, Unauthenticated } from './errors.ts';
import type { Exchange } from './exchanges.ts';
import { announcedBytes } from './json-body.ts';
import type { Limits } from './limits.ts';
import type { Identity, TokenVerifier } from './ports.ts';
import { RateLimiter, type RateLimiterOptions } from './rate-limiter.ts';

/** Where a request goes, as far as the guard cares. */
export type Destination =
  /** Acts for somebody: needs a token, brings a body. */
  | { readonly kind: 'use-case' }
  /** For probes and scrapers. */
  | { readonly kind: 'operation' }
  | { readonly kind: 'wrong-method'; readonly allow: string }
  | { readonly kind: 'nowhere' };

/** What comes before every route, before any byte of a body is read. */
export class Guard {
  readonly #limits: Limits;
  readonly #tokens: TokenVerifier;
  readonly #admission: Admission;
  readonly #clients: RateLimiter;
  /** Apart, so that a flood of requests does not make the probes fail and the process be restarted. */
  readonly #probes: RateLimiter;

  constructor(limits: Limits, tokens: TokenVerifier) {
    this.#limits = limits;
    this.#tokens = tokens;
    this.#admission = new Admission(limits.maxInFlight, limits.maxInFlightBytes);
    const { requestsPerSecond: perSecond, burst, maxClients } = limits;
    const rate: RateLimiterOptions = { perSecond, burst, maxClients, now: () => performance.now() };
    this.#clients = new RateLimiter(rate);
    this.#probes = new RateLimiter(rate);
  }

  /** Lets a request through or throws the problem to answer with. */
  async admit(exchange: Exchange, destination: Destination): Promise<void> {
    this.#requireRate(exchange.client, destination);
    if (destination.kind === 'nowhere')
      throw new RequestError('NOT_FOUND', 'expected a known path, came another');
    if (destination.kind === 'wrong-method') throw wrongMethod(destination.allow);
    if (destination.kind === 'operation') return;
    const bytes = announcedBytes(exchange.request.headers, this.#limits.bodyBytes);
    exchange.leave = this.#requireRoom(bytes);
    exchange.identity = await this.#authenticate(exchange);
  }

  #requireRate(client: string, destination: Destination): void {
    const verdict = (destination.kind === 'operation' ? this.#probes : this.#clients).take(client);
    if (verdict.ok) return;
    const detail = `expected at most ${this.#limits.requestsPerSecond} requests a second, came more`;
    throw new RequestError('RATE_LIMITED', detail, {
      headers: { 'retry-after': `${verdict.retryAfterSeconds}` },
    });
  }

  #requireRoom(bytes: number): () => void {
    const leave = this.#admission.enter(bytes);
    if (leave !== undefined) return leave;
    throw new RequestError(
      'OVERLOADED',
      'too many requests are being worked on; nothing was decided, retry later',
    );
  }

  async #authenticate(exchange: Exchange): Promise<Identity> {
    const authorization = authorizationOf(exchange.request);
    const work = this.#tokens.verify(authorization);
    exchange.work = work;
    const check = await within(this.#limits.handlerTimeoutMs, work);
    if (check.ok) return check;
    throw new Unauthenticated(check.code, check.tag, check.reason);
  }
}

/**
 * Two of them could be read differently by whoever stands in between: node keeps the first, others the last.
 */
function authorizationOf(request: IncomingMessage): string | undefined {
  const [first, ...more] = request.headersDistinct.authorization ?? [];
  if (more.length === 0) return first;
  const reason = 'expected one authorization header, came several';
  throw new Unauthenticated('UNAUTHENTICATED', 'AUTH_FAILED', reason);
}

function wrongMethod(allow: string): RequestError {
  return new RequestError('METHOD_NOT_ALLOWED', `expected ${allow}, came another method`, {
    headers: { allow },
  });
}
