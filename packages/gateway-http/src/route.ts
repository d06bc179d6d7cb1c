import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Identity } from './ports.ts';
import type { Problem } from './problem.ts';
import type { Answer } from './respond.ts';

/** A request as far as a route without a token may look at it. */
export interface OpenCall {
  readonly params: Readonly<Record<string, string>>;
  /** What stands behind the `?`, undecoded. */
  readonly query: string;
}

/** A request of somebody whose token holds. */
export interface Call extends OpenCall {
  readonly identity: Identity;
  readonly body: JsonValue | undefined;
  /** The authorization header that was checked: only for asking another fabric in the caller's name. */
  readonly authorization: string;
  readonly requestId: string;
  /** The client's address, an IPv6 one as its /64. */
  readonly client: string;
  /** By its lower-case name. Of several some come joined by a comma: a reader takes one that is whole. */
  header(name: 'idempotency-key' | 'x-vault-wrap-ttl'): string | undefined;
  /** Whether another fabric sent it here; then it goes no further. */
  readonly forwarded: boolean;
  /** Whether the client has left: what is not yet decided then need not be. */
  gone(): boolean;
}

/** Acts for somebody: needs a token, and brings its body whole. */
export interface GuardedRoute {
  readonly kind: 'guarded';
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly pattern: string;
  /** Refuses with 400 what does not call itself JSON, as a standard asks for; otherwise that is a 415. */
  readonly strictType?: true;
  /** A header that may bring the token in the place of Authorization, for clients of another protocol. */
  readonly tokenHeader?: 'x-vault-token';
  /** What a refusal looks like where another protocol says so; absent: problem JSON. */
  refusal?(problem: Problem): Answer;
  serve(call: Call): Promise<Answer>;
}

/** For everybody: holds nothing of a tenant. */
export interface PublicRoute {
  readonly kind: 'public';
  readonly method: 'GET';
  readonly pattern: string;
  serve(call: OpenCall): Promise<Answer>;
}

/** For probes and scrapers: counted apart, so that a flood of requests does not make them fail. */
export interface OperationRoute {
  readonly kind: 'operation';
  readonly method: 'GET';
  readonly pattern: string;
  serve(): Promise<Answer>;
}

export interface StreamCall {
  readonly identity: Identity;
  /** The caller's own header for the upstream; never the token that was checked here. */
  readonly authorization: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Needs a token; reads and bounds its own body, and may answer for hours. */
export interface StreamRoute {
  readonly kind: 'stream';
  readonly methods: readonly ('GET' | 'POST' | 'DELETE')[];
  readonly pattern: string;
  serve(call: StreamCall): Promise<void>;
}

export type Route = GuardedRoute | PublicRoute | OperationRoute | StreamRoute;
