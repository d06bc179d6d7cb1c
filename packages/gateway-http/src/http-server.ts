import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonValue } from '@provability-fabric/kernel';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { ClientErrors } from './client-errors.ts';
import { within } from './deadline.ts';
import { GatewayError, RequestError } from './errors.ts';
import { type Exchange, Exchanges, UNMATCHED } from './exchanges.ts';
import { Guard } from './guard.ts';
import { readJsonBodies } from './json-body.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { EnforcerPort, Health, Identity, Log, TokenVerifier } from './ports.ts';
import { problemOf } from './problem.ts';
import { reportOf } from './request-report.ts';
import { type Answer, type Manner, sendAnswer, sendProblem, sendText } from './respond.ts';
import { destinationOf } from './route-table.ts';
import { authorize } from './routes/authorize.ts';
import { health, live, ready } from './routes/operations.ts';
import { outcome } from './routes/outcome.ts';
import { prompt } from './routes/prompt.ts';

export interface HttpServerOptions {
  readonly enforcer: EnforcerPort;
  readonly tokens: TokenVerifier;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly limits: Limits;
  readonly log: Log;
  /** The component's name, as metrics and logs give it. */
  readonly service: string;
}

export interface HttpServer {
  /** Port 0 takes any free one. Rejects with a GatewayError. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  /** Takes nothing new, lets what is in flight finish within `limits.shutdownMs`, and ends the rest. */
  close(): Promise<void>;
}

/** A socket silent for longer than every other limit together, plus this, has a client that does not read. */
const SLACK_MS = 5000;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { enforcer, tokens, limits, metrics, log, service } = options;
  const guard = new Guard(limits, tokens);
  let closing = false;
  let closed: Promise<void> | undefined;

  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.requestTimeoutMs + 2 * limits.handlerTimeoutMs + SLACK_MS,
    maxRequestsPerSocket: limits.requestsPerConnection,
    routerOptions: { maxParamLength: limits.pathParameterLength },
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      // Node looks for late requests only this often; its own default of 30 s would be the real limit.
      connectionsCheckingInterval: Math.min(1000, Math.ceil(limits.headersTimeoutMs / 4)),
    },
    clientErrorHandler: (error, socket) => clientErrors.handle(error, socket),
    frameworkErrors: (error, _request, reply) => refuse(error, reply),
  });
  const { server } = app;
  server.maxConnections = limits.maxConnections;
  const exchanges = new Exchanges(server, finished);
  const clientErrors = new ClientErrors(exchanges, ({ code, status }) => {
    metrics.recordRequest({ service, method: '', route: UNMATCHED, status, seconds: 0 });
    log({ level: 'info', event: 'connection_refused', tags: [], latency_ms: 0, details: { code, status } });
  });

  readJsonBodies(app);

  app.addHook('onRequest', async (request, reply) => {
    const exchange = exchanges.of(reply.raw);
    exchange.route = request.routeOptions.url ?? UNMATCHED;
    if (closing)
      throw new RequestError('SHUTTING_DOWN', 'the fabric is shutting down; retry against a running one');
    await guard.admit(exchange, destinationOf(request));
  });
  app.setErrorHandler((error, _request, reply) => refuse(error, reply));

  app.post(
    '/v1/authorize',
    useCase((identity, request) => authorize(enforcer, identity, bodyOf(request))),
  );
  app.post(
    '/v1/outcome',
    useCase((identity, request) => outcome(enforcer, identity, bodyOf(request))),
  );
  app.post(
    '/v1/sessions/:sid/prompt',
    useCase((identity, request) => {
      const { sid } = request.params as { sid: string };
      return prompt(enforcer, identity, sid, bodyOf(request));
    }),
  );
  app.get(
    '/health',
    operation(() => health(options.health)),
  );
  app.get('/livez', operation(live));
  app.get(
    '/readyz',
    operation(() => ready(options.health, closing)),
  );
  app.get('/metrics', async (_request, reply) => {
    const { registry } = metrics;
    return sendText(reply, registry.contentType, await registry.metrics(), manner(exchanges.of(reply.raw)));
  });

  function useCase(serve: (identity: Identity, request: FastifyRequest) => Promise<JsonValue>) {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const exchange = exchanges.of(reply.raw);
      if (exchange.identity === null) throw new Error('expected the guard to have let this request in');
      // Gone while its token was checked: its place is free already, and nobody would hear what was decided.
      if (request.raw.socket.destroyed)
        throw new RequestError('REQUEST_MALFORMED', 'expected the client to stay');
      const work = serve(exchange.identity, request);
      exchange.work = work;
      const body = await within(limits.handlerTimeoutMs, work);
      return sendAnswer(reply, { status: 200, body }, manner(exchange));
    };
  }

  function operation(serve: () => Answer | Promise<Answer>) {
    return async (_request: FastifyRequest, reply: FastifyReply) => {
      const answer = await within(limits.handlerTimeoutMs, Promise.resolve(serve()));
      return sendAnswer(reply, answer, manner(exchanges.of(reply.raw)));
    };
  }

  function refuse(error: unknown, reply: FastifyReply): FastifyReply {
    const exchange = exchanges.of(reply.raw);
    const problem = problemOf(error, exchange.id);
    exchange.failure = { code: problem.code, error };
    return sendProblem(reply, problem, manner(exchange));
  }

  function manner(exchange: Exchange): Manner {
    return { requestId: exchange.id, last: closing, discardBytes: 4 * limits.bodyBytes };
  }

  function finished(exchange: Exchange): void {
    const { request, response, route, failure } = exchange;
    // 499 is what others call a client that went away before its answer.
    const status = response.writableFinished ? response.statusCode : 499;
    const seconds = (performance.now() - exchange.started) / 1000;
    metrics.recordRequest({ service, method: request.method ?? '', route, status, seconds });
    if (failure?.code === 'UNAUTHENTICATED' || failure?.code === 'CAP_EXPIRED') metrics.recordAuthFailure();
    log(reportOf(exchange, status));
  }

  async function shutDown(): Promise<void> {
    closing = true;
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    const bound = new AbortController();
    await Promise.race([exchanges.idle(), sleep(limits.shutdownMs, undefined, bound).catch(() => undefined)]);
    bound.abort();
    server.closeAllConnections();
    await stopped;
    await app.close();
  }

  return {
    async listen({ host, port }) {
      await app.ready();
      await new Promise<void>((resolve, reject) => {
        const failed = (error: NodeJS.ErrnoException) => reject(listenFailure(error, host, port));
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
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function bodyOf(request: FastifyRequest): JsonValue | undefined {
  return request.body as JsonValue | undefined;
}

function listenFailure(error: NodeJS.ErrnoException, host: string, port: number): GatewayError {
  if (error.code === 'EADDRINUSE') {
    const mend = 'stop what listens there or choose another with --listen';
    return new GatewayError('PORT_IN_USE', `port ${port} on ${host} is in use: ${mend}`, { cause: error });
  }
  const problem = `cannot listen on port ${port} of ${host} (${error.code ?? error.name})`;
  const mend = 'choose an address of this machine and a port that this user may open with --listen';
  return new GatewayError('LISTEN_FAILED', `${problem}: ${mend}`, { cause: error });
}
