import type { Metrics } from './metrics.ts';
import type { Health, HealthProblem } from './ports.ts';
import type { Answer } from './respond.ts';
import type { OperationRoute } from './route.ts';

const UNKNOWN: HealthProblem = { component: 'health', problem: 'could not be found out; see the log' };

/** What every listener answers, whatever it serves. */
export function operationRoutes(
  port: Health,
  { registry }: Metrics,
  closing: () => boolean,
): readonly OperationRoute[] {
  const operation = { kind: 'operation', method: 'GET' } as const;
  return [
    { ...operation, pattern: '/health', serve: () => health(port) },
    // Answering at all is the answer.
    { ...operation, pattern: '/livez', serve: async () => ({ status: 200, body: { status: 'alive' } }) },
    { ...operation, pattern: '/readyz', serve: async () => ready(port, closing()) },
    // The names by which Kubernetes manifests of other makers probe.
    {
      ...operation,
      pattern: '/health/live',
      serve: async () => ({ status: 200, body: { status: 'alive' } }),
    },
    { ...operation, pattern: '/health/ready', serve: async () => ready(port, closing()) },
    { ...operation, pattern: '/health/startup', serve: async () => started(port) },
    {
      ...operation,
      pattern: '/metrics',
      async serve() {
        const bytes = Buffer.from(await registry.metrics());
        return { status: 200, type: registry.contentType, bytes };
      },
    },
  ];
}

/** Whether everything works, and if not, what does not. */
async function health(port: Health): Promise<Answer> {
  const problems = await port.problems().catch(() => [UNKNOWN]);
  const uptime = port.uptime();
  if (problems.length === 0) return { status: 200, body: { status: 'healthy', uptime } };
  const body = {
    status: 'unhealthy',
    uptime,
    problems: problems.map(({ component, problem }) => ({ component, problem })),
  };
  return { status: 503, body };
}

/** Whether to send requests here. */
function ready(port: Health, closing: boolean): Answer {
  if (closing) return { status: 503, body: { status: 'shutting down' } };
  const { ready: isReady, members } = port.readiness?.() ?? { ready: true, members: {} };
  if (!port.ready()) return { status: 503, body: { status: 'starting', ...members } };
  return isReady
    ? { status: 200, body: { status: 'ready', ...members } }
    : { status: 503, body: { status: 'not_ready', ...members } };
}

/** Not whether its component holds requests back: who probes for the start restarts what does not come up. */
function started(port: Health): Answer {
  return port.ready()
    ? { status: 200, body: { status: 'ready' } }
    : { status: 503, body: { status: 'starting' } };
}
