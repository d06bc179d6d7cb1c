import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { Exit } from '../fabric-process.ts';

export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Asking {
  readonly method: string;
  readonly path: string;
  readonly bearer: string;
  readonly body: unknown;
}

/** `pf serve governor` as its operator starts it. */
export interface GovernorProcess {
  readonly pid: number;
  readonly startedMs: number;
  readonly running: boolean;
  readonly exited: Promise<Exit>;
  /** undefined where no whole answer came. */
  ask(asking: Asking): Promise<Answered | undefined>;
  kill(): void;
  stop(): Promise<Exit>;
}

const START_MS = 30_000;

export async function startGovernor(
  program: string,
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<GovernorProcess> {
  const began = performance.now();
  const args = [program, 'serve', 'governor', '--listen-governor', '127.0.0.1:0'];
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, args, { cwd, env: { PATH, HOME, ...env }, stdio: 'pipe' });
  child.stdin.end();
  let said = '';
  let running = true;
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      said = error.message;
    });
    child.once('close', (code, signal) => {
      running = false;
      resolve({ code, signal });
    });
  });
  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the governor did not start: ${said}`)), START_MS);
    void exited.then(() => reject(new Error(`the governor ended before it served: ${said}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = entryIn(line);
      if (entry?.event !== 'listening') return;
      clearTimeout(timer);
      resolve(Number(entry.port));
    });
  });
  const agent = new Agent({ keepAlive: true });
  return {
    pid: child.pid ?? 0,
    startedMs: performance.now() - began,
    exited,
    get running() {
      return running;
    },
    ask: ({ method, path, bearer, body }) =>
      new Promise((resolve) => {
        const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
        const asking = request({ agent, hostname: '127.0.0.1', port, method, path, headers }, (response) => {
          let text = '';
          response
            .on('data', (chunk) => {
              text += chunk;
            })
            .on('error', () => resolve(undefined))
            .on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
        });
        asking.on('error', () => resolve(undefined));
        asking.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    kill: () => {
      child.kill('SIGKILL');
    },
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** Cut short by a kill: undefined. */
function entryIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
