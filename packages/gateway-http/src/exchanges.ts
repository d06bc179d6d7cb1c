import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { clientOf } from './client-address.ts';
import type { ProblemCode } from './errors.ts';
import type { Identity } from './ports.ts';
import type { GuardedRoute } from './route.ts';

/** One request and its answer, from the end of the headers until the answer is handed to the system. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly client: string;
  /** ms, monotonic. */
  readonly started: number;
  /** The pattern, never the path: metrics and logs stay bounded. */
  route: string;
  identity: Identity | null;
  /** How its route renders a refusal, where that is not as problem JSON. */
  refusal: GuardedRoute['refusal'];
  /** A request of an upstream's protocol: how long it lasts says nothing of how fast we are. */
  streamed: boolean;
  /** Why it was not served. */
  failure: { readonly code: ProblemCode; readonly error: unknown } | null;
  /** What goes on behind a request even after it was answered for lack of time. */
  work: Promise<unknown>;
  leave: () => void;
}

export const UNMATCHED = 'unmatched';

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Keeps the books on what is in flight, per server and per connection, whatever the framework does with a
 * request.
 */
export class Exchanges {
  readonly #open = new Map<Socket, Set<Exchange>>();
  readonly #byResponse = new WeakMap<ServerResponse, Exchange>();
  readonly #finished: (exchange: Exchange) => void;
  #count = 0;
  #waiting: (() => void)[] = [];

  constructor(server: Server, finished: (exchange: Exchange) => void) {
    this.#finished = finished;
    // Before the framework's own listener, so that it finds the books open.
    server.prependListener('request', (request, response) => this.#begin(request, response));
  }

  of(response: ServerResponse): Exchange {
    const exchange = this.#byResponse.get(response);
    if (exchange === undefined) throw new Error('expected an exchange to have begun with its request');
    return exchange;
  }

  /** Those of a connection in the order of their requests, which is the order in which HTTP answers them. */
  on(socket: Socket): readonly Exchange[] {
    return [...(this.#open.get(socket) ?? [])];
  }

  /** Resolves as soon as nothing is in flight. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const asked = request.headers['x-request-id'];
    const exchange: Exchange = {
      request,
      response,
      id: typeof asked === 'string' && REQUEST_ID.test(asked) ? asked : randomUUID(),
      client: clientOf(socket.remoteAddress),
      started: performance.now(),
      route: UNMATCHED,
      identity: null,
      refusal: undefined,
      streamed: false,
      failure: null,
      work: Promise.resolve(),
      leave: () => undefined,
    };
    this.#byResponse.set(response, exchange);
    this.#openOn(socket).add(exchange);
    this.#count += 1;
    // `close` and not `finish`: a client that goes away before its answer must be let go of too.
    response.once('close', () => this.#end(socket, exchange));
  }

  #openOn(socket: Socket): Set<Exchange> {
    const known = this.#open.get(socket);
    if (known !== undefined) return known;
    const open = new Set<Exchange>();
    this.#open.set(socket, open);
    // Answers that wait behind another one are never told that their connection is gone.
    socket.once('close', () => {
      for (const exchange of open) this.#end(socket, exchange);
      this.#open.delete(socket);
    });
    return open;
  }

  #end(socket: Socket, exchange: Exchange): void {
    if (!this.#open.get(socket)?.delete(exchange)) return;
    exchange.work.then(exchange.leave, exchange.leave);
    this.#finished(exchange);
    this.#count -= 1;
    if (this.#count > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
