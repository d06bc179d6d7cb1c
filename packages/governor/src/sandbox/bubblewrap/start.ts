import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import {
  type ConfinedEnd,
  type ConfinedProcess,
  exitCode,
  FIRST_PIPE,
  spawnLauncher,
  type TellOutput,
} from '../confined-process.ts';

/** Where bubblewrap writes what became of the sandbox. */
export const STATUS_DESCRIPTOR = FIRST_PIPE;
/** Those from here on are fed with `feeds`, in their order. */
export const FIRST_FEED = FIRST_PIPE + 1;

const MONITOR_FOLLOWS_WITHIN_MS = 1_000;
/** Bubblewrap writes two short lines. */
const STATUS_BYTES = 4096;

export interface Launch {
  readonly program: string;
  readonly argv: readonly string[];
  readonly feeds: readonly Uint8Array[];
}

/** One sandbox with one command. */
export function startBubblewrap({ program, argv, feeds }: Launch, onOutput: TellOutput): ConfinedProcess {
  const child = spawnLauncher({ program, argv, pipes: 1 + feeds.length }, onOutput);
  let status = '';
  for (const [index, feed] of feeds.entries()) {
    const stream = child.stdio[FIRST_FEED + index] as Writable | null | undefined;
    // It ended before it read all: `ended` says why.
    stream?.on('error', () => {}).end(feed);
  }
  (child.stdio[STATUS_DESCRIPTOR] as Readable | null | undefined)?.on('data', (chunk: Buffer) => {
    if (status.length < STATUS_BYTES) status += chunk.toString('latin1');
  });
  const ended = new Promise<ConfinedEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ begun: signal !== null || status.includes('"exit-code"'), rc: exitCode(code, signal) });
    });
  });
  return { ended, kill: () => kill(child, /"child-pid": (\d+)/.exec(status)?.[1]) };
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
