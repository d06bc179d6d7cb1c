import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LedgerError } from '../errors.ts';
import { readTextFile } from './private-file.ts';
import { type Identity, spawnArguments } from './run-command.ts';

const LOOK_EVERY_MS = 5;
/** What it said before it ended is read by then. */
const LAST_WORDS_MS = 500;
/** After a crash it reads its journal first; a gigabyte of it on a slow disk takes a while. */
const START_TIMEOUT_MS = 300_000;
const FAST_MS = 30_000;
const IMMEDIATE_MS = 5_000;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '', // no TCP at all
  unix_socket_permissions: '0700',
  max_connections: '60',
  shared_buffers: '128MB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  // Who watches over it starts it again: one whose recovery is killed too was seen to wait for ever, refusing everybody.
  restart_after_crash: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '',
  // Above errors: those go to whoever asked, and their texts hold values.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
  cluster_name: 'provability-fabric',
};

export interface ServerOptions {
  readonly postgres: string;
  readonly identity: Identity;
  readonly directory: string;
  readonly data: string;
  readonly sockets: string;
  readonly line: (text: string) => void;
}

export interface ServerProcess {
  /** Resolves, never rejects, once it is gone. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Rolls back what is open, syncs, ends. */
  stop(): Promise<void>;
}

/** Resolves once it takes connections; throws POSTGRES_FAILED with its last words. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { postgres, identity, directory, data, sockets } = options;
  const flags = Object.entries({ ...SETTINGS, unix_socket_directories: sockets });
  const args = ['-D', data, ...flags.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const command = spawnArguments({ identity, program: postgres, args, folder: directory });
  // A session of its own: an interrupt from the terminal must not stop it while the fabric still writes.
  const child = spawn(command.file, command.args, {
    ...command.options,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let lastWords = '';
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (text) => {
    // What killed it; some checks come before its log does, and name no severity.
    if (/FATAL|PANIC/.test(text) || !/FATAL|PANIC/.test(lastWords)) lastWords = text.trim().slice(0, 300);
    options.line(text);
  });
  const ended = new Promise<Awaited<ServerProcess['ended']>>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
    // One of its processes that waits for what a killed one held outlives it unnoticed, and keeps the pipe open.
    child.on('exit', (code, signal) => setTimeout(resolve, LAST_WORDS_MS, { code, signal }).unref());
    child.on('error', () => resolve({ code: null, signal: null }));
  });
  let gone = false;
  // An operator in a hurry ends the fabric at once; what it started must not stay behind.
  const endWithUs = () => child.kill('SIGINT');
  process.once('exit', endWithUs);
  ended.then(() => {
    gone = true;
    process.removeListener('exit', endWithUs);
  });
  const server = { ended, stop: () => stop(child, ended) };
  const before = performance.now();
  while (!(await isReady(child, data))) {
    if (gone) throw failed(lastWords || 'it ended without a word');
    if (performance.now() - before > START_TIMEOUT_MS) {
      await server.stop();
      throw failed(`it took longer than ${START_TIMEOUT_MS} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return server;
}

/** The eighth line of the lock file is how PostgreSQL says so, pg_ctl waits for the same. */
async function isReady(child: ChildProcess, data: string): Promise<boolean> {
  const lines = ((await readTextFile(join(data, 'postmaster.pid'))) ?? '').split('\n');
  return lines[0] === `${child.pid}` && lines[7]?.trim() === 'ready';
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  for (const [signal, timeoutMs] of [
    ['SIGINT', FAST_MS],
    ['SIGQUIT', IMMEDIATE_MS],
    ['SIGKILL', IMMEDIATE_MS],
  ] as const) {
    child.kill('SIGCONT');
    child.kill(signal);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, true);
    });
    const timedOut = await Promise.race([ended.then(() => false), late]);
    clearTimeout(timer);
    if (!timedOut) return;
  }
  throw failed('it does not end');
}

function failed(problem: string): LedgerError {
  return new LedgerError('POSTGRES_FAILED', `the database that comes along failed: ${problem}`);
}
