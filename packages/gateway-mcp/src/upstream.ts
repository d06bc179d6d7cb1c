import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { UpstreamError } from './errors.ts';
import { within } from './time-limit.ts';

export interface UpstreamExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface Upstream {
  readonly pid: number;
  readonly input: Writable;
  readonly output: Readable;
  readonly done: Promise<UpstreamExit>;
  /**
   * SIGTERM, then SIGKILL after the grace, to the server and everything it started. Resolves when the server
   * is gone.
   */
  stop(): Promise<void>;
}

export interface SpawnOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the server's stderr goes; default: ours. */
  readonly stderr?: Writable;
  /** Between SIGTERM and SIGKILL; default 2 s. */
  readonly killGraceMs?: number;
}

const DEFAULT_KILL_GRACE_MS = 2_000;
const AFTER_KILL_MS = 1_000;

/** Starts a stdio server in a process group of its own, so that what it starts (npx does) ends with it. */
export async function spawnUpstream(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<Upstream> {
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ['pipe', 'pipe', options.stderr === undefined ? 'inherit' : 'pipe'],
    detached: true,
  }) as ChildProcessByStdio<Writable, Readable, Readable | null>;
  const done = new Promise<UpstreamExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(startError(command, options.cwd, error)));
  });
  child.on('error', () => {}); // a signal that could not be sent: stop() goes by the exit alone
  if (options.stderr !== undefined) child.stderr?.pipe(options.stderr, { end: false });
  const pid = child.pid as number;
  return { pid, input: child.stdin, output: child.stdout, done, stop: () => stop(pid, done, options) };
}

async function stop(pid: number, done: Promise<UpstreamExit>, options: SpawnOptions): Promise<void> {
  const graceMs = options.killGraceMs ?? DEFAULT_KILL_GRACE_MS;
  if (!signalGroup(pid, 'SIGTERM')) return;
  await within(graceMs, done);
  // The server may be gone while what it started ignores SIGTERM.
  for (let waited = 0; waited < graceMs && signalGroup(pid, 0); waited += POLL_MS) await delay(POLL_MS);
  signalGroup(pid, 'SIGKILL');
  await within(AFTER_KILL_MS, done);
}

const POLL_MS = 20;

/** False where no process of the group is left. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

function startError(command: string, cwd: string, error: NodeJS.ErrnoException): UpstreamError {
  const cause = { cause: error };
  if (error.code !== 'ENOENT') {
    const text = `expected \`${command}\` to start, got ${error.code ?? 'an error'}; is it executable?`;
    return new UpstreamError('UPSTREAM_NOT_STARTED', text, cause);
  }
  // spawn says ENOENT for both.
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    const text = `expected a folder to start \`${command}\` in, got \`${cwd}\``;
    return new UpstreamError('UPSTREAM_NOT_STARTED', text, cause);
  }
  const text = `expected the command of a server, got \`${command}\`, which is not installed or not on PATH`;
  return new UpstreamError('UPSTREAM_NOT_FOUND', text, cause);
}
