import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { type CommandTerminal, harmless, processOutput } from '@provability-fabric/command-line';
import type { ProcessSettings } from './config.ts';

/** All of the process that commands touch; tests bring their own. */
export interface Terminal extends CommandTerminal {
  /** What a sandboxed command writes, as it comes; a terminal gets it without what it would obey. */
  relay(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
  readonly settings: Omit<ProcessSettings, 'colour' | 'debug'>;
  /** Who is at work, as it goes on record. */
  readonly user: string;
  random(bytes: number): Uint8Array;
  /** Calls `work` with a signal that is aborted when the process is asked to end, so that it can clean up first. */
  interruptible<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
}

export function processTerminal(settings: ProcessSettings): Terminal {
  const { stdin, stdout, stderr } = process;
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  return {
    ...processOutput(),
    relay(stream, chunk) {
      const to = stream === 'stdout' ? stdout : stderr;
      // A pipe wants the very bytes.
      to.write(to.isTTY === true ? harmless(decoders[stream].write(chunk)) : chunk);
    },
    get input() {
      return stdin;
    },
    colour: stdout.isTTY === true && settings.colour,
    directory: process.cwd(),
    settings,
    user: settings.user ?? userName(),
    now: Date.now,
    random: (bytes) => randomBytes(bytes),
    async interruptible(work) {
      const controller = new AbortController();
      const stop = () => controller.abort();
      process.once('SIGINT', stop).once('SIGTERM', stop);
      try {
        return await work(controller.signal);
      } finally {
        process.off('SIGINT', stop).off('SIGTERM', stop);
      }
    },
  };
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
