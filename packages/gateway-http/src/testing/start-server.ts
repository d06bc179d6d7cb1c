import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import { createListener, type Listener } from '../listener.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import type { GatewayEvent, HealthProblem } from '../ports.ts';
import type { Route } from '../route.ts';
import type { SidecarOptions } from '../sidecar/sidecar-routes.ts';
import { sidecarRoutes } from '../sidecar/sidecar-routes.ts';
import type { TlsOptions } from '../tls.ts';
import { FakeApprovals } from './fake-approvals.ts';
import { FakeEnforcer } from './fake-enforcer.ts';
import { FakeTokens } from './fake-tokens.ts';

export interface Started {
  readonly server: Listener;
  readonly port: number;
  readonly tokens: FakeTokens;
  readonly metrics: Metrics;
  readonly log: GatewayEvent[];
  /** To be changed by tests. */
  readonly condition: { problems: HealthProblem[]; ready: boolean };
}

export type StartedSidecar = Started & { readonly enforcer: FakeEnforcer; readonly approvals: FakeApprovals };

const running: Listener[] = [];

/** A sidecar on a free port of the loopback interface, on fakes. */
export async function startServer(
  limits: Partial<Limits> = {},
  options: Partial<SidecarOptions> = {},
): Promise<StartedSidecar> {
  const built = buildServer(limits, options);
  return { ...built, ...(await built.server.listen({ host: '127.0.0.1', port: 0 })) };
}

/** One that does not listen yet. */
export function buildServer(
  limits: Partial<Limits> = {},
  options: Partial<SidecarOptions> = {},
): Omit<StartedSidecar, 'port'> {
  const enforcer = new FakeEnforcer();
  let ids = 0;
  const approvals = new FakeApprovals();
  const newRequestId = () => `new-${ids++}`;
  const routes = sidecarRoutes({ enforcer, approvals, newRequestId, ...options });
  return { ...buildListener(routes, limits), enforcer, approvals };
}

/** A listener with any routes. */
export async function startListener(
  routes: readonly Route[],
  limits: Partial<Limits> = {},
  tls?: TlsOptions,
  tokens?: FakeTokens,
): Promise<Started> {
  const built = buildListener(routes, limits, tls, tokens);
  return { ...built, ...(await built.server.listen({ host: '127.0.0.1', port: 0 })) };
}

function buildListener(
  routes: readonly Route[],
  limits: Partial<Limits>,
  tls?: TlsOptions,
  tokens = new FakeTokens(),
): Omit<Started, 'port'> {
  const metrics = createMetrics();
  const log: GatewayEvent[] = [];
  const condition: Started['condition'] = { problems: [], ready: true };
  const server = createListener({
    routes,
    tokens,
    metrics,
    health: { uptime: () => 12.5, problems: async () => condition.problems, ready: () => condition.ready },
    limits: { ...DEFAULT_LIMITS, shutdownMs: 2000, ...limits },
    log: (event) => log.push(event),
    service: 'sidecar-watcher',
    ...(tls === undefined ? {} : { tls }),
  });
  running.push(server);
  return { server, tokens, metrics, log, condition };
}

export async function stopServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()));
}
