import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Stdout towards the MCP client. On a pipe `process.stdout` blocks the whole process until the client reads; a socket on
 * the same descriptor does not, and tells the relay to wait.
 */
export function clientOutput(): Writable {
  const kind = fstatSync(1);
  return kind.isFIFO() || kind.isSocket() ? new Socket({ fd: 1, readable: false }) : process.stdout;
}

/** Waits until what was written has left, but not for ever: the client may have stopped reading. */
export async function flushed(output: Writable): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    output.once('error', () => resolve());
    output.end(resolve);
  });
  await Promise.race([ended, delay(2000, undefined, { ref: false })]);
}
