import { request } from 'node:http';
import type { Listen } from '@provability-fabric/configuration';

/** What answers at the listener: `healthy`, `unhealthy`, or why nothing could be learnt. */
export type HealthAnswer = 'healthy' | 'unhealthy' | 'no answer' | 'something else answers';

const TIME_OUT_MS = 150;
const MAX_ANSWER_BYTES = 64 * 1024;

/** Asks whatever listens there, which need not be a fabric: the answer is bounded in time and size. */
export function askHealth({ host, port }: Listen): Promise<HealthAnswer> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => finish('no answer'), TIME_OUT_MS);
    const asking = request({ host: reachableHost(host), port, path: '/health', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) finish('something else answers');
      });
      response.on('end', () => finish(judge(text)));
      response.on('error', () => finish('no answer'));
    });
    asking.on('error', () => finish('no answer'));
    asking.end();

    function finish(answer: HealthAnswer): void {
      clearTimeout(deadline);
      asking.destroy();
      resolve(answer);
    }
  });
}

/** A listener on every address is reached on this machine's own. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function judge(text: string): HealthAnswer {
  try {
    const { status } = JSON.parse(text) as { readonly status?: unknown };
    return status === 'healthy' || status === 'unhealthy' ? status : 'something else answers';
  } catch {
    return 'something else answers';
  }
}
