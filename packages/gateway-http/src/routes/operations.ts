import type { Health, HealthProblem } from '../ports.ts';
import type { Answer } from '../respond.ts';

const UNKNOWN: HealthProblem = { component: 'health', problem: 'could not be found out; see the log' };

/** `GET /health`: whether everything works, and if not, what does not. */
export async function health(port: Health): Promise<Answer> {
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

/** `GET /livez`: answering at all is the answer. */
export function live(): Answer {
  return { status: 200, body: { status: 'alive' } };
}

/** `GET /readyz`: whether to send requests here. */
export function ready(port: Health, closing: boolean): Answer {
  if (closing) return { status: 503, body: { status: 'shutting down' } };
  return port.ready()
    ? { status: 200, body: { status: 'ready' } }
    : { status: 503, body: { status: 'starting' } };
}
