import { UpstreamError } from '../errors.ts';
import { ALL } from '../http-upstream/definition.ts';
import { joinUpstreams } from '../joined/join.ts';
import type { RelayEvents } from '../ports.ts';
import { DEFAULT_LIMITS, type Relay, startRelay } from '../relay.ts';
import { ByteBudget } from './byte-budget.ts';
import { parseEventId } from './event-stream.ts';
import type { McpEndpoint, McpEndpointOptions, McpExchange } from './exchange.ts';
import { EndpointRefusal, sendRefusal, unknownSession } from './http-answer.ts';
import { DEFAULT_MCP_LIMITS, type McpLimits } from './limits.ts';
import { type Posting, postMessage } from './post-message.ts';
import { checkAccepts, checkOrigin, PRIMED_FROM, protocolVersion, sessionIdOf } from './request-checks.ts';
import { McpSession } from './session.ts';
import { SessionTable } from './session-table.ts';
import { Upstreams } from './upstreams.ts';

const REAP_MS = 1_000;

export function createMcpEndpoint<Caller>(options: McpEndpointOptions<Caller>): McpEndpoint<Caller> {
  return new Endpoint(options);
}

class Endpoint<Caller> implements McpEndpoint<Caller> {
  readonly upstreams: readonly string[];
  private readonly limits: McpLimits;
  private readonly budget: ByteBudget;
  private readonly table: SessionTable<Caller>;
  private readonly servers: Upstreams;
  private readonly reaper: NodeJS.Timeout;
  private readonly posting: Posting<Caller>;
  private isClosing = false;

  constructor(private readonly options: McpEndpointOptions<Caller>) {
    this.limits = { ...DEFAULT_LIMITS, ...DEFAULT_MCP_LIMITS, ...options.limits };
    this.budget = new ByteBudget(this.limits.maxBufferedBytes);
    this.table = new SessionTable(this.limits);
    const { upstreams: definitions, events, secret, now, stderr } = options;
    this.servers = new Upstreams({ definitions, events, limits: this.limits, secret, now, stderr });
    this.upstreams = [...this.servers.names, ALL];
    this.posting = {
      limits: this.limits,
      budget: this.budget,
      eventsOf: (caller) => this.eventsOf(caller),
      session: (exchange) => this.session(exchange),
      begin: (exchange) => this.begin(exchange),
      passesTokens: (upstream) => this.servers.passesTokens(upstream),
    };
    this.reaper = setInterval(() => this.reap(), REAP_MS);
    this.reaper.unref();
  }

  sessions(): number {
    return this.table.size;
  }

  async handle(exchange: McpExchange<Caller>): Promise<void> {
    const { response } = exchange;
    const ended = new Promise<void>((resolve) => {
      response.once('close', resolve);
      if (response.closed) resolve();
    });
    response.on('error', () => {}); // the client has gone: `close` says so too
    try {
      await this.dispatch(exchange);
    } catch (error) {
      if (!(error instanceof EndpointRefusal)) {
        const problem = error instanceof Error ? error.name : 'unknown';
        this.eventsOf(exchange.caller).emit('mcp.endpoint-failed', { problem });
      }
      const refusal =
        error instanceof EndpointRefusal
          ? error
          : new EndpointRefusal('RELAY_CLOSED', 'expected to handle this request; see the log');
      this.eventsOf(exchange.caller).emit('mcp.request-refused', { code: refusal.code });
      sendRefusal(response, refusal);
    }
    await ended;
  }

  async close(): Promise<void> {
    this.isClosing = true;
    clearInterval(this.reaper);
    await Promise.all(this.table.all().map((session) => session.end()));
    await this.servers.close();
  }

  private async dispatch(exchange: McpExchange<Caller>): Promise<void> {
    const { request, upstream } = exchange;
    checkOrigin(request, this.options);
    if (!this.upstreams.includes(upstream)) {
      throw new EndpointRefusal('UPSTREAM_UNKNOWN', 'expected a configured upstream in the path');
    }
    if (this.isClosing) throw new EndpointRefusal('RELAY_CLOSED', 'the fabric is shutting down');
    switch (request.method) {
      case 'POST':
        return postMessage(exchange, this.posting);
      case 'GET':
        return this.listen(exchange);
      case 'DELETE':
        return this.delete(exchange);
      default:
        throw new EndpointRefusal('METHOD_NOT_ALLOWED', 'expected POST, GET or DELETE');
    }
  }

  private async listen(exchange: McpExchange<Caller>): Promise<void> {
    const { request, response } = exchange;
    checkAccepts(request, 'text/event-stream');
    const version = protocolVersion(request);
    const session = this.session(exchange);
    const primed = version >= PRIMED_FROM;
    const lastEventId = request.headers['last-event-id'];
    if (typeof lastEventId === 'string') {
      const from = parseEventId(lastEventId);
      const { channel, id } = session;
      if (from !== undefined && channel.resume(from.stream, from.number, response, id, primed)) return;
      this.eventsOf(exchange.caller).emit('mcp.resumption-expired', {});
    }
    if (session.channel.listen(response, session.id, primed)) return;
    throw new EndpointRefusal('STREAM_OPEN', 'expected one GET stream per session; this one has one');
  }

  private async delete(exchange: McpExchange<Caller>): Promise<void> {
    protocolVersion(exchange.request);
    const session = this.session(exchange);
    this.table.remove(session);
    exchange.response.writeHead(200).end();
    await session.end();
  }

  /** The caller's session that the request names; any other one is as unknown as none. */
  private session(exchange: McpExchange<Caller>): McpSession<Caller> {
    const { request, callerKey, upstream, caller, authorization } = exchange;
    const id = sessionIdOf(request);
    if (id === undefined) {
      throw new EndpointRefusal('SESSION_MISSING', 'expected the Mcp-Session-Id that initialize gave');
    }
    const session = this.table.get(id, callerKey, upstream);
    if (session === undefined) throw unknownSession();
    session.touch(caller, authorization);
    return session;
  }

  private begin(exchange: McpExchange<Caller>): McpSession<Caller> {
    const { callerKey, caller, upstream, authorization } = exchange;
    const surplus = this.table.surplusOf(callerKey);
    if (surplus !== undefined) {
      this.table.remove(surplus);
      this.eventsOf(surplus.caller).emit('mcp.session-replaced', {});
      void surplus.end();
    }
    if (!this.table.hasRoomFor(callerKey)) {
      throw new EndpointRefusal('TOO_MANY_SESSIONS', 'expected fewer sessions; end some with DELETE');
    }
    const { now, newSessionId } = this.options;
    const { limits, budget } = this;
    const id = newSessionId();
    const events = this.eventsOf(caller);
    const session = new McpSession({ id, upstream, caller, callerKey, limits, budget, events, now });
    session.touch(caller, authorization);
    this.table.add(session);
    void this.run(session);
    return session;
  }

  private async run(session: McpSession<Caller>): Promise<void> {
    try {
      await session.run(await this.start(session));
    } catch (error) {
      const code = error instanceof UpstreamError ? error.code : 'UNKNOWN';
      this.eventsOf(session.caller).emit('mcp.upstream-not-started', { code, upstream: session.upstream });
      session.channel.refuseAll(
        code === 'TOO_MANY_PROCESSES'
          ? new EndpointRefusal(code, 'expected fewer servers to run at once; try again later')
          : new EndpointRefusal('UPSTREAM_NOT_STARTED', 'expected the upstream to start; see the log'),
      );
      session.channel.end();
    } finally {
      this.table.remove(session);
    }
  }

  private async start(session: McpSession<Caller>): Promise<Relay> {
    const { deciderFor, newRequestId } = this.options;
    const events = this.eventsOf(session.caller);
    const decider = deciderFor(session.caller, () => session.caller);
    const member = async (name: string) => ({
      upstream: await this.servers.open(name, session.callerKey, (key) =>
        session.upstream === ALL && this.servers.isOneOfSeveralPassing(name)
          ? undefined
          : session.authorization(key),
      ),
      targetPrefix: this.servers.prefixOf(name),
      decider,
      events,
      // The endpoint refuses what is too much; what was cancelled may still be with the server.
      limits: { ...this.limits, maxPending: 2 * this.limits.maxPending },
      newRequestId,
    });
    if (session.upstream !== ALL)
      return startRelay({ client: session.channel, ...(await member(session.upstream)) });
    return joinUpstreams({
      client: session.channel,
      names: this.servers.names,
      prefixOf: (name) => this.servers.prefixOf(name),
      member,
      events,
    });
  }

  private eventsOf(caller: Caller): RelayEvents {
    const { events, about } = this.options;
    return { emit: (event, details) => events.emit(event, { ...about(caller), ...details }) };
  }

  private reap(): void {
    for (const session of this.table.all()) {
      session.channel.dropOld();
      if (session.idleMs < this.limits.sessionIdleMs) continue;
      this.table.remove(session);
      this.eventsOf(session.caller).emit('mcp.session-idle', {});
      void session.end();
    }
  }
}
