import type { IncomingMessage } from 'node:http';
import { Admission } from './admission.ts';
import { within } from './deadline.ts';
import { RequestError, Unauthenticated } from './errors.ts';
import type { Exchange } from './exchanges.ts';
import { announcedBytes } from './json-body.ts';
import type { Limits } from './limits.ts';
import { peerOf } from './peer.ts';
import type { Identity, TokenCheck, TokenVerifier } from './ports.ts';
import { RateLimiter, type RateLimiterOptions } from './rate-limiter.ts';
import type { GuardedRoute, StreamRoute } from './route.ts';
import type { Destination } from './route-table.ts';

/** For agents whose Authorization header belongs to the upstream behind us. */
const FABRIC_TOKEN = 'x-fabric-token';

/** What comes before every route, before any byte of a body is read. */
export class Guard {
  readonly #limits: Limits;
  readonly #tokens: TokenVerifier;
  readonly #admission: Admission;
  readonly #streams: Admission;
  /** Of the tenants that have requests in flight. */
  readonly #tenants = new Map<string, Admission>();
  readonly #clients: RateLimiter;
  /** Apart, so that a flood of requests does not make the probes fail and the process be restarted. */
  readonly #probes: RateLimiter;

  constructor(limits: Limits, tokens: TokenVerifier) {
    this.#limits = limits;
    this.#tokens = tokens;
    this.#admission = new Admission(limits.maxInFlight, limits.maxInFlightBytes);
    this.#streams = new Admission(limits.maxStreams, Number.POSITIVE_INFINITY);
    const { requestsPerSecond: perSecond, burst, maxClients } = limits;
    const rate: RateLimiterOptions = { perSecond, burst, maxClients, now: () => performance.now() };
    this.#clients = new RateLimiter(rate);
    this.#probes = new RateLimiter(rate);
  }

  /** Lets a request through or throws the problem to answer with. */
  async admit(exchange: Exchange, destination: Destination): Promise<void> {
    const kind = destination.kind === 'route' ? destination.route.kind : destination.kind;
    this.#requireRate(exchange.client, kind === 'operation' ? this.#probes : this.#clients);
    if (destination.kind === 'nowhere')
      throw new RequestError('NOT_FOUND', 'expected a known path, came another');
    if (destination.kind === 'wrong-method') throw wrongMethod(destination.allow);
    const { route } = destination;
    if (route.kind === 'operation' || route.kind === 'public') return;
    const bytes = route.kind === 'guarded' ? this.#bytesOf(exchange.request, route) : 0;
    exchange.leave = enter(route.kind === 'guarded' ? this.#admission : this.#streams, bytes);
    exchange.identity = await this.#authenticate(exchange, tokenFor(exchange.request, route));
    if (route.kind === 'guarded') this.#requireShare(exchange, exchange.identity.principal.tenant, bytes);
  }

  /** Looks again at the token of a stream that is still open. */
  async recheck({ request }: Exchange): Promise<TokenCheck> {
    return this.#tokens.verify(tokenOf(request, FABRIC_TOKEN), peerOf(request.socket));
  }

  /** Whose crowd fills the tenant's share waits for itself; who shows no token that holds is gone by then. */
  #requireShare(exchange: Exchange, tenant: string, bytes: number): void {
    const { tenantShare, maxInFlight, maxInFlightBytes } = this.#limits;
    if (tenantShare >= 1) return;
    const share =
      this.#tenants.get(tenant) ?? new Admission(tenantShare * maxInFlight, tenantShare * maxInFlightBytes);
    const leaveShare = enter(share, bytes);
    this.#tenants.set(tenant, share);
    const { leave } = exchange;
    exchange.leave = () => {
      leave();
      leaveShare();
      if (share.isEmpty && this.#tenants.get(tenant) === share) this.#tenants.delete(tenant);
    };
  }

  #requireRate(client: string, limiter: RateLimiter): void {
    const verdict = limiter.take(client);
    if (verdict.ok) return;
    const detail = `expected at most ${this.#limits.requestsPerSecond} requests a second, came more`;
    throw new RequestError('RATE_LIMITED', detail, {
      headers: { 'retry-after': `${verdict.retryAfterSeconds}` },
    });
  }

  #bytesOf({ headers }: IncomingMessage, route: GuardedRoute): number {
    return route.method === 'GET' ? 0 : announcedBytes(headers, this.#limits.bodyBytes, route.strictType);
  }

  async #authenticate(exchange: Exchange, token: string | undefined): Promise<Identity> {
    const work = this.#tokens.verify(token, peerOf(exchange.request.socket));
    exchange.work = work;
    const check = await within(this.#limits.handlerTimeoutMs, work);
    if (check.ok) return check;
    if (check.code === 'AUTHORITY_STALE') throw new RequestError(check.code, check.reason);
    throw new Unauthenticated(check.code, check.tag, check.reason);
  }
}

function enter(admission: Admission, bytes: number): () => void {
  const leave = admission.enter(bytes);
  if (leave !== undefined) return leave;
  const problem = 'too many requests are being worked on; nothing was decided, retry later';
  throw new RequestError('OVERLOADED', problem);
}

function tokenFor(request: IncomingMessage, route: GuardedRoute | StreamRoute): string | undefined {
  if (route.kind === 'stream') return tokenOf(request, FABRIC_TOKEN);
  const { tokenHeader } = route;
  const { headers } = request;
  if (
    tokenHeader !== undefined &&
    headers[tokenHeader] !== undefined &&
    headers.authorization !== undefined
  ) {
    const reason = `expected a token in ${tokenHeader} or in authorization, came both`;
    throw new Unauthenticated('UNAUTHENTICATED', 'AUTH_FAILED', reason);
  }
  return tokenOf(request, tokenHeader);
}

/** The header with our token. In front of an upstream it has a header of its own: Authorization is not ours there. */
function tokenOf(request: IncomingMessage, header: string | undefined): string | undefined {
  const apart = header === undefined ? undefined : onlyOne(request, header);
  if (apart === undefined) return onlyOne(request, 'authorization');
  return /^Bearer /i.test(apart) ? apart : `Bearer ${apart}`;
}

/** What a caller sends for the upstream. Our own token is never that: a hostile upstream could use it. */
export function upstreamAuthorization(request: IncomingMessage): string | undefined {
  return request.headers[FABRIC_TOKEN] === undefined ? undefined : onlyOne(request, 'authorization');
}

/**
 * Two of them could be read differently by whoever stands in between: node keeps the first, others the last. From the
 * raw list, since `headersDistinct` builds an object of all headers for every request.
 */
function onlyOne({ rawHeaders, headers }: IncomingMessage, header: string): string | undefined {
  const first = headers[header];
  if (first === undefined) return undefined;
  let found = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === header.length && name.toLowerCase() === header) found += 1;
  }
  if (found === 1 && typeof first === 'string') return first;
  const reason = `expected one ${header} header, came several`;
  throw new Unauthenticated('UNAUTHENTICATED', 'AUTH_FAILED', reason);
}

function wrongMethod(allow: string): RequestError {
  return new RequestError('METHOD_NOT_ALLOWED', `expected ${allow}, came another method`, {
    headers: { allow },
  });
}
