import { createServer, type Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonValue } from '@provability-fabric/kernel';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { ClientErrors } from './client-errors.ts';
import { within } from './deadline.ts';
import { GatewayError, RequestError } from './errors.ts';
import { type Exchange, Exchanges, UNMATCHED } from './exchanges.ts';
import { Guard, upstreamAuthorization } from './guard.ts';
import { readJsonBodies } from './json-body.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { operationRoutes } from './operations.ts';
import type { Health, Log, TokenVerifier } from './ports.ts';
import { type Problem, problemOf } from './problem.ts';
import { AUTHENTICATION, reportOf } from './request-report.ts';
import { type Answer, answerRaw, type Manner, sendAnswer, sendProblem } from './respond.ts';
import type { GuardedRoute, Route, StreamRoute } from './route.ts';
import { methodsOf, RouteTable } from './route-table.ts';
import { Streams } from './streams.ts';
import { contextOf, createTlsServer, TlsDoor, type TlsOptions } from './tls.ts';

export interface ListenerOptions {
  /** The component's name, as metrics and logs give it. */
  readonly service: string;
  /** Beside those that every listener has. */
  readonly routes: readonly Route[];
  readonly tokens: TokenVerifier;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly limits: Limits;
  readonly log: Log;
  /** Absent: plain HTTP. */
  readonly tls?: TlsOptions;
}

export interface Listener {
  /** Port 0 takes any free one. Rejects with a GatewayError. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  /** New certificates for new connections; throws TLS_INVALID and keeps the old ones where they are unfit. */
  reload(tls: TlsOptions): void;
  /** Takes nothing new, lets what is in flight finish within `limits.shutdownMs`, and ends the rest. */
  close(): Promise<void>;
}

/** A socket silent for longer than every other limit together, plus this, has a client that does not read. */
/** Where bodies are short, whoever sends one too long still gets to read that it is. */
const LEAST_DISCARDED_BYTES = 16 * 1024 * 1024;
const SLACK_MS = 5000;

export function createListener(options: ListenerOptions): Listener {
  const { tokens, limits, metrics, log, service } = options;
  let closing = false;
  let closed: Promise<void> | undefined;
  const guard = new Guard(limits, tokens);
  const streams = new Streams(guard, limits, log);
  const operations = operationRoutes(options.health, metrics, () => closing);
  const table = new RouteTable([...options.routes, ...operations]);

  const server = serverFor(limits, options.tls);
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    routerOptions: {
      maxParamLength: limits.pathParameterLength,
      // Routes read their query themselves: strictly, and only where there is one.
      querystringParser: () => ({}),
    },
    serverFactory: (handler) => server.on('request', handler) as Server,
    clientErrorHandler: (error, socket) => clientErrors.handle(error, socket),
    frameworkErrors: (error, _request, reply) => refuse(error, reply),
  });
  const exchanges = new Exchanges(server, finished);
  const clientErrors = new ClientErrors(exchanges, unheard);
  server.prependListener('tlsClientError', (_error, socket) => clientErrors.neverSecured(socket));
  const door = isTls(server) ? new TlsDoor(server, limits.headersTimeoutMs, unheard) : undefined;

  readJsonBodies(app);

  app.addHook('onRequest', async (request, reply) => {
    const exchange = exchanges.of(reply.raw);
    exchange.route = request.routeOptions.url ?? UNMATCHED;
    if (closing)
      throw new RequestError('SHUTTING_DOWN', 'the fabric is shutting down; retry against a running one');
    const destination = table.destinationOf(request);
    if (destination.kind === 'route' && destination.route.kind === 'guarded')
      exchange.refusal = destination.route.refusal;
    await guard.admit(exchange, destination);
    if (destination.kind !== 'route' || destination.route.kind !== 'stream') return;
    reply.hijack();
    stream(destination.route, exchange, request);
    return reply;
  });
  app.setErrorHandler((error, _request, reply) => refuse(error, reply));
  for (const route of table.routes) {
    const handler = handlerOf(route);
    app.route({ method: [...methodsOf(route)], url: route.pattern, handler, exposeHeadRoute: false });
  }

  function handlerOf(route: Route) {
    switch (route.kind) {
      case 'guarded':
        return async (request: FastifyRequest, reply: FastifyReply) => {
          const exchange = exchanges.of(reply.raw);
          return answer(exchange, reply, callOf(route, exchange, request));
        };
      case 'public':
        return async (request: FastifyRequest, reply: FastifyReply) =>
          answer(exchanges.of(reply.raw), reply, route.serve(openCallOf(request)));
      case 'operation':
        return async (_request: FastifyRequest, reply: FastifyReply) =>
          answer(exchanges.of(reply.raw), reply, route.serve());
      case 'stream':
        return () => {
          throw new Error('expected a stream to have been taken over before its body was read');
        };
    }
  }

  async function answer(exchange: Exchange, reply: FastifyReply, work: Promise<Answer>) {
    exchange.work = work;
    return sendAnswer(reply, await within(limits.handlerTimeoutMs, work), manner(exchange));
  }

  function callOf(route: GuardedRoute, exchange: Exchange, request: FastifyRequest): Promise<Answer> {
    const { identity, id } = exchange;
    const { headers, socket } = request.raw;
    if (identity === null) throw new Error('expected the guard to have let this request in');
    // Gone while its token was checked: its place is free already, and nobody would hear what was decided.
    if (socket.destroyed) throw new RequestError('REQUEST_MALFORMED', 'expected the client to stay');
    return route.serve({
      ...openCallOf(request),
      identity,
      body: request.body as JsonValue | undefined,
      authorization: headers.authorization ?? '',
      requestId: id,
      client: exchange.client,
      header: (name) => headers[name]?.toString(),
      forwarded: headers['x-pf-forwarded'] !== undefined,
      gone: () => socket.destroyed,
    });
  }

  function stream(route: StreamRoute, exchange: Exchange, { params }: FastifyRequest): void {
    const { identity, request, response } = exchange;
    if (identity === null) throw new Error('expected the guard to have let this request in');
    response.setHeader('x-request-id', exchange.id);
    response.setHeader('x-content-type-options', 'nosniff');
    streams.begin(exchange);
    const authorization = upstreamAuthorization(request);
    const work = route.serve({
      identity,
      authorization,
      params: params as Record<string, string>,
      request,
      response,
    });
    exchange.work = work.catch((error: unknown) => {
      const problem = problemOf(error, exchange.id);
      exchange.failure = { code: problem.code, error };
      answerRaw(request, response, problem);
    });
  }

  function refuse(error: unknown, reply: FastifyReply): FastifyReply {
    const exchange = exchanges.of(reply.raw);
    const problem = problemOf(error, exchange.id);
    exchange.failure = { code: problem.code, error };
    const { refusal } = exchange;
    if (refusal !== undefined) return sendAnswer(reply, refusal(problem), manner(exchange));
    return sendProblem(reply, problem, manner(exchange));
  }

  function manner(exchange: Exchange): Manner {
    return {
      requestId: exchange.id,
      last: closing,
      discardBytes: Math.max(4 * limits.bodyBytes, LEAST_DISCARDED_BYTES),
    };
  }

  function unheard(problem: Problem | null): void {
    const { code, status } = problem ?? { code: 'TLS_HANDSHAKE', status: 0 };
    if (problem !== null)
      metrics.recordRequest({ service, method: '', route: UNMATCHED, status, seconds: 0 });
    log({ level: 'info', event: 'connection_refused', tags: [], latency_ms: 0, details: { code, status } });
  }

  function finished(exchange: Exchange): void {
    const { request, response, route, failure, streamed } = exchange;
    // 499 is what others call a client that went away before its answer.
    const status = response.writableFinished ? response.statusCode : 499;
    const seconds = streamed ? null : (performance.now() - exchange.started) / 1000;
    metrics.recordRequest({ service, method: request.method ?? '', route, status, seconds });
    if (failure !== null && AUTHENTICATION.has(failure.code)) metrics.recordAuthFailure();
    log(reportOf(exchange, status));
  }

  async function shutDown(): Promise<void> {
    closing = true;
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    streams.endAll();
    const bound = new AbortController();
    await Promise.race([exchanges.idle(), sleep(limits.shutdownMs, undefined, bound).catch(() => undefined)]);
    bound.abort();
    server.closeAllConnections();
    door?.close();
    await stopped;
    await app.close();
  }

  return {
    async listen({ host, port }) {
      await app.ready();
      await new Promise<void>((resolve, reject) => {
        const failed = (error: NodeJS.ErrnoException) => reject(listenFailure(error, host, port, service));
        server.once('error', failed);
        // Not app.listen: for `localhost` it opens further servers without our limits.
        server.listen({ host, port }, () => {
          server.removeListener('error', failed);
          resolve();
        });
      });
      // Running out of file descriptors while accepting must not end the process.
      server.on('error', (error: NodeJS.ErrnoException) => {
        const details = { code: error.code ?? error.name };
        log({ level: 'error', event: 'connection_refused', tags: [], latency_ms: 0, details });
      });
      return { port: (server.address() as AddressInfo).port };
    },
    reload(tls) {
      if (!isTls(server))
        throw new GatewayError('TLS_INVALID', 'expected a listener with TLS, came a plain one');
      server.setSecureContext(contextOf(tls));
    },
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function serverFor(limits: Limits, tls: TlsOptions | undefined): Server | TlsServer {
  const http = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    // Node looks for late requests only this often; its own default of 30 s would be the real limit.
    connectionsCheckingInterval: Math.min(1000, Math.ceil(limits.headersTimeoutMs / 4)),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
  };
  const server = tls === undefined ? createServer(http) : createTlsServer(tls, http);
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  server.maxConnections = limits.maxConnections;
  server.setTimeout(limits.requestTimeoutMs + 2 * limits.handlerTimeoutMs + SLACK_MS);
  return server;
}

function isTls(server: Server | TlsServer): server is TlsServer {
  return 'setSecureContext' in server;
}

function openCallOf({ params, raw }: FastifyRequest) {
  const { url = '' } = raw;
  const query = url.indexOf('?');
  return { params: params as Record<string, string>, query: query < 0 ? '' : url.slice(query + 1) };
}

function listenFailure(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  service: string,
): GatewayError {
  const option = service === 'sidecar-watcher' ? '--listen' : `--listen-${service}`;

  if (error.code === 'EADDRINUSE') {
    const mend = `stop what listens there or choose another with ${option}`;
    return new GatewayError('PORT_IN_USE', `port ${port} on ${host} is in use: ${mend}`, { cause: error });
  }
  const problem = `cannot listen on port ${port} of ${host} (${error.code ?? error.name})`;
  const mend = `choose an address of this machine and a port that this user may open with ${option}`;
  return new GatewayError('LISTEN_FAILED', `${problem}: ${mend}`, { cause: error });
}
