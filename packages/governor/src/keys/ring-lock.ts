// Who changes the ring reads it, adds to it and replaces it: one at a time. On Linux the lock is an abstract Unix socket named
// after the folder, which the kernel frees however its process ends. It is per network namespace: two containers that share a
// folder must not both add keys to it at the same moment.
import { stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { GovernorError } from '../errors.ts';
import { hasSystemCode } from '../files/durable-files.ts';

/** The length of sun_path: Node 20 fills a shorter abstract name up with zeros, Node 22 does not. */
const ADDRESS_BYTES = 108;
const PATIENCE_TRIES = 400;
const BETWEEN_TRIES_MS = 25;

/** Throws KEY_INVALID where another process keeps the folder for ten seconds. */
export async function withRingLock<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const name = `\0provability-fabric/governor-keys/${dev}/${ino}/`.padEnd(ADDRESS_BYTES, '-');
  const server = await bound(folder, name);
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

async function bound(folder: string, name: string): Promise<Server> {
  for (let tries = 0; tries < PATIENCE_TRIES; tries++) {
    const server = await bind(name);
    if (server !== undefined) return server;
    await pause(BETWEEN_TRIES_MS);
  }
  throw new GovernorError(
    'KEY_INVALID',
    `expected to be alone with the keys in \`${folder}\`, another process changes them`,
  );
}

/** undefined where another process has the name. */
function bind(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) =>
      hasSystemCode(error, 'EADDRINUSE') ? resolve(undefined) : reject(error),
    );
    server.listen(name, () => resolve(server));
  });
}
