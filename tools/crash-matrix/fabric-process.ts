import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endPostgresIn } from './postgres-processes.ts';
import type { Workbench } from './workbench.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  readonly workbench: Workbench;
  readonly env: string;
  readonly data: string;
  readonly assurance?: 'standard' | 'high';
  /** Absent: the fabric starts a PostgreSQL of its own. */
  readonly database?: string;
  /** Put before the program: strace and its options. */
  readonly through?: readonly string[];
  /** Options of node. */
  readonly node?: readonly string[];
  /** Resolves although the fabric ends before it listens. */
  readonly mayEnd?: boolean;
  /** Told as soon as there is a process, long before it listens. */
  readonly begun?: (child: Pick<ChildProcess, 'kill'>) => void;
}

type LogEntry = Readonly<Record<string, unknown>>;

/** `pf serve` as its operator starts it. */
export interface FabricProcess {
  readonly data: string;
  readonly pid: number;
  /** Where agents ask. */
  readonly url: string;
  /** Where the ledger answers; undefined where this program does not serve one. */
  readonly ledgerUrl: string | undefined;
  /** From the start to the last listener, in ms. */
  readonly startedMs: number;
  readonly exited: Promise<Exit>;
  readonly running: boolean;
  readonly log: readonly LogEntry[];
  /** What it said on stderr, for reports. */
  readonly errors: string;
  kill(): void;
  stop(): Promise<Exit>;
  /** Ends the PostgreSQL that a killed fabric leaves behind. */
  endPostgres(): Promise<void>;
}

const START_MS = 60_000;
const STOP_MS = 60_000;

/** Resolves once all services listen, or the program has ended and that was allowed. */
export async function startFabric(options: StartOptions): Promise<FabricProcess> {
  const { workbench, env, data, assurance = 'standard', database, through = [], node = [] } = options;
  const serve = ['serve', '--env', env, '--data', data, '--bundle', workbench.bundle(assurance)];
  const [file = '', ...args] = [...through, process.execPath, ...node, workbench.program, ...serve];
  const { PATH, HOME } = process.env;
  const environment = { PATH, HOME, ...(database === undefined ? {} : { DATABASE_URL: database }) };
  const began = performance.now();
  const child = spawn(file, args, { cwd: workbench.folder, env: environment, stdio: 'pipe' });
  child.stdin.end();
  options.begun?.(child);
  const log: LogEntry[] = [];
  let errors = '';
  let startedMs = 0;
  let running = true;
  let told: () => void = () => undefined;
  child.stderr.on('data', (chunk) => {
    errors = `${errors}${chunk}`.slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    try {
      log.push(JSON.parse(line) as LogEntry);
      // A soak says a lot; only its beginning is asked for, and its end.
      if (log.length > 5000) log.splice(1000, 1000);
      told();
    } catch {
      // Cut short by a kill.
    }
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      errors = error.message;
    });
    child.once('close', (code, signal) => {
      running = false;
      resolve({ code, signal });
      told();
    });
  });
  const listening = (service: string) =>
    log.find(({ event, component }) => event === 'listening' && component === service);
  const timeUp = Date.now() + START_MS;
  while (running && listening('ledger') === undefined) {
    if (Date.now() > timeUp) {
      child.kill('SIGKILL');
      throw new Error(`the fabric did not start in ${START_MS} ms: ${errors}`);
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000);
      told = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  startedMs = performance.now() - began;
  if (!running && options.mayEnd !== true)
    throw new Error(`the fabric ended before it served: ${errors || JSON.stringify(log.at(-1))}`);
  const at = (service: string) => {
    const port = listening(service)?.port;
    return port === undefined ? undefined : `http://127.0.0.1:${port}`;
  };
  return {
    data,
    pid: child.pid ?? 0,
    url: at('sidecar-watcher') ?? '',
    ledgerUrl: at('ledger'),
    startedMs,
    exited,
    log,
    get running() {
      return running;
    },
    get errors() {
      return errors;
    },
    kill: () => {
      child.kill('SIGKILL');
    },
    stop: () => stop(child, exited),
    endPostgres: () => endPostgresIn(join(data, 'postgres')),
  };
}

async function stop(child: ChildProcess, exited: Promise<Exit>): Promise<Exit> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  const exit = await exited;
  clearTimeout(timer);
  return exit;
}

/** The embedded ledger of a data folder, as the fabric itself reaches it; its PostgreSQL has to run. */
export function ledgerOf(data: string): string {
  const folder = join(data, 'postgres');
  const note = join(folder, 'socket-folder');
  const sockets = existsSync(note) ? readFileSync(note, 'utf8').trim() : join(folder, 'run');
  const password = readFileSync(join(folder, 'password'), 'utf8').trim();
  return `postgresql://fabric:${password}@localhost/fabric?host=${encodeURIComponent(sockets)}`;
}
