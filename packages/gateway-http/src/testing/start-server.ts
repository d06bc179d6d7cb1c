import { createHttpServer, type HttpServer } from '../http-server.ts';
import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import type { GatewayEvent, HealthProblem } from '../ports.ts';
import { FakeEnforcer } from './fake-enforcer.ts';
import { FakeTokens } from './fake-tokens.ts';

export interface Started {
  readonly server: HttpServer;
  readonly port: number;
  readonly enforcer: FakeEnforcer;
  readonly tokens: FakeTokens;
  readonly metrics: Metrics;
  readonly log: GatewayEvent[];
  /** To be changed by tests. */
  readonly condition: { problems: HealthProblem[]; ready: boolean };
}

const running: HttpServer[] = [];

/** A server on a free port of the loopback interface, on fakes. */
export async function startServer(limits: Partial<Limits> = {}): Promise<Started> {
  const built = buildServer(limits);
  return { ...built, ...(await built.server.listen({ host: '127.0.0.1', port: 0 })) };
}

/** One that does not listen yet. */
export function buildServer(limits: Partial<Limits> = {}): Omit<Started, 'port'> {
  const enforcer = new FakeEnforcer();
  const tokens = new FakeTokens();
  const metrics = createMetrics();
  const log: GatewayEvent[] = [];
  const condition: Started['condition'] = { problems: [], ready: true };
  const server = createHttpServer({
    enforcer,
    tokens,
    metrics,
    health: { uptime: () => 12.5, problems: async () => condition.problems, ready: () => condition.ready },
    limits: { ...DEFAULT_LIMITS, shutdownMs: 2000, ...limits },
    log: (event) => log.push(event),
    service: 'sidecar-watcher',
  });
  running.push(server);
  return { server, enforcer, tokens, metrics, log, condition };
}

export async function stopServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()));
}
