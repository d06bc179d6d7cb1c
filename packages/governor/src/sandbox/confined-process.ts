import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { inheritedDescriptors } from './inherited-descriptors.ts';

/** The first descriptor after the standard ones: where bubblewrap writes what became of the sandbox. */
export const STATUS_DESCRIPTOR = 3;
/** Those from here on are fed with `feeds`, in their order. */
export const FIRST_FEED = 4;

export interface ConfinedStart {
  readonly program: string;
  readonly argv: readonly string[];
  readonly feeds: readonly Uint8Array[];
  onOutput(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
}

export interface ConfinedEnd {
  /** Whether the sandbox was set up and the command begun; otherwise `rc` is that of the setting up. */
  readonly begun: boolean;
  readonly rc: number;
}

export interface ConfinedProcess {
  /** When all of it has ended and its output has been told. */
  readonly ended: Promise<ConfinedEnd>;
  kill(): void;
}

const MONITOR_FOLLOWS_WITHIN_MS = 1_000;
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15, SIGSYS: 31 };
/** Bubblewrap writes two short lines. */
const STATUS_BYTES = 4096;

/** One sandbox with one command. Its environment is empty but for PATH, so that not even the launcher shows the governor's. */
export function startConfined({ program, argv, feeds, onOutput }: ConfinedStart): ConfinedProcess {
  const nothing = openSync('/dev/null', 'r');
  let child: ChildProcess;
  try {
    child = spawn(program, argv, {
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      cwd: '/',
      detached: true,
      stdio: descriptors(feeds.length, nothing),
    });
  } finally {
    closeSync(nothing);
  }
  let status = '';
  for (const [index, feed] of feeds.entries()) {
    const stream = child.stdio[FIRST_FEED + index] as Writable | null | undefined;
    // It ended before it read all: `ended` says why.
    stream?.on('error', () => {}).end(feed);
  }
  (child.stdio[STATUS_DESCRIPTOR] as Readable | null | undefined)?.on('data', (chunk: Buffer) => {
    if (status.length < STATUS_BYTES) status += chunk.toString('latin1');
  });
  child.stdout?.on('data', (chunk: Buffer) => onOutput('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => onOutput('stderr', chunk));
  const ended = new Promise<ConfinedEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const killed = 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 1);
      resolve({ begun: signal !== null || status.includes('"exit-code"'), rc: code ?? killed });
    });
  });
  return { ended, kill: () => kill(child, /"child-pid": (\d+)/.exec(status)?.[1]) };
}

/** Descriptors that the governor's starter left open would reach the commands: they get nothing instead. */
function descriptors(feeds: number, nothing: number): ('ignore' | 'pipe' | number)[] {
  const own: ('ignore' | 'pipe' | number)[] = [
    'ignore',
    'pipe',
    'pipe',
    'pipe',
    ...Array<'pipe'>(feeds).fill('pipe'),
  ];
  for (const descriptor of inheritedDescriptors()) {
    while (own.length <= descriptor) own.push('ignore');
    if (descriptor >= FIRST_FEED + feeds) own[descriptor] = nothing;
  }
  return own;
}

/**
 * The first process of the pid namespace takes all the others with it. Its parent, which waits for it, then ends by itself and
 * leaves no zombie behind; should it not, killing it kills the namespace too (PR_SET_PDEATHSIG).
 */
function kill(child: ChildProcess, first: string | undefined): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  if (first === undefined) {
    child.kill('SIGKILL');
    return;
  }
  try {
    process.kill(Number(first), 'SIGKILL');
  } catch {
    // Gone already.
  }
  setTimeout(() => child.kill('SIGKILL'), MONITOR_FOLLOWS_WITHIN_MS).unref();
}
