import { createListener } from '../../listener.ts';
import { createMetrics } from '../../metrics.ts';
import type { GatewayEvent } from '../../ports.ts';
import type { TlsOptions } from '../../tls.ts';
import { GOVERNOR_LIMITS, governorRoutes } from '../governor-routes.ts';
import { createJwtVerifier } from '../jwt/verifier.ts';
import { governorReadiness } from '../readiness.ts';
import { FakeGovernor } from './fake-governor.ts';
import { NOW, SETTINGS } from './jwt-issuer.ts';

const running: { close(): Promise<void> }[] = [];

/** The governor's listener with real tokens, over a fake of the use cases. */
export async function startGovernor({ tenant = 'acme', tls }: { tenant?: string; tls?: TlsOptions } = {}) {
  const governor = new FakeGovernor();
  const metrics = createMetrics();
  const log: GatewayEvent[] = [];
  metrics.governor.watch({
    rules: ['deny_paths'],
    killed: () => governor.state.active,
    auditBehind: () => 0,
  });
  const server = createListener({
    service: 'governor',
    routes: governorRoutes({ governor, tenant, log: (event) => log.push(event) }),
    tokens: createJwtVerifier(SETTINGS, { now: () => NOW }),
    health: {
      uptime: () => 1,
      problems: async () => [],
      ready: () => true,
      readiness: governorReadiness(() => governor.state),
    },
    metrics,
    limits: { ...GOVERNOR_LIMITS, shutdownMs: 1000 },
    log: (event) => log.push(event),
    ...(tls !== undefined && { tls }),
  });
  running.push(server);
  return { governor, metrics, log, ...(await server.listen({ host: '127.0.0.1', port: 0 })) };
}

export async function stopGovernors(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()));
}
