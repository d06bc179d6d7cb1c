// One fabric per data folder. On Linux the lock is an abstract Unix socket named after the folder's device
// and inode: the kernel lets one process bind it, frees it whenever that process ends, however it ends, and
// leaves no file behind. It is per network namespace: two containers that share a data folder but no network
// are not kept apart, and must not exist.
import { stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ensureFolder } from './durable-files.ts';
import { EvidenceError, hasSystemCode } from './errors.ts';
import {
  claimLockFile,
  type LockHolder,
  parseHolder,
  readLockFile,
  releaseLockFile,
  writeLockFile,
} from './lock-file.ts';

export interface DataFolderLock {
  release(): Promise<void>;
}

/**
 * The length of sun_path. Node 20 fills a shorter abstract name up with zeros and Node 22 does not: of
 * different length, one folder would have two names, and two fabrics.
 */
const ADDRESS_BYTES = 108;

/** How long a holder has to answer who it is; it may be busy, or stopped. */
const ANSWER_MS = 500;

/** Takes the data folder for this process, or throws FOLDER_IN_USE with who has it. */
export async function lockDataFolder(
  directory: string,
  options: { readonly now: () => number; readonly platform?: NodeJS.Platform },
): Promise<DataFolderLock> {
  await ensureFolder(directory);
  const path = join(directory, 'lock');
  const holder: LockHolder = {
    pid: process.pid,
    host: hostname(),
    started_at: new Date(options.now()).toISOString(),
  };
  if ((options.platform ?? process.platform) !== 'linux') {
    const other = await claimLockFile(path, holder);
    if (other !== undefined) throw inUse(directory, other);
    return { release: () => releaseLockFile(path, holder) };
  }
  const { dev, ino } = await stat(directory, { bigint: true });
  const name = `\0provability-fabric/data/${dev}/${ino}/`.padEnd(ADDRESS_BYTES, '-');
  const server = await bind(name, holder);
  if (server === undefined) throw inUse(directory, (await askHolder(name)) ?? (await readLockFile(path)));
  // Only for people who look into the folder: the socket is the lock.
  await writeLockFile(path, holder);
  return {
    async release() {
      await releaseLockFile(path, holder);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** undefined where another process has the name. */
function bind(name: string, holder: LockHolder): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(JSON.stringify(holder));
    });
    server.once('error', (error) =>
      hasSystemCode(error, 'EADDRINUSE') ? resolve(undefined) : reject(error),
    );
    server.listen(name, () => resolve(server.unref()));
  });
}

/**
 * Asks the process that holds the name: unlike a file, its answer cannot be left over from an earlier one.
 */
function askHolder(name: string): Promise<LockHolder | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(name);
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.length > 4096) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(parseHolder(answer)));
  });
}

function inUse(directory: string, holder: LockHolder | undefined): EvidenceError {
  const who =
    holder === undefined
      ? 'another process'
      : `pid ${holder.pid} on ${holder.host} since ${holder.started_at}`;
  return new EvidenceError(
    'FOLDER_IN_USE',
    `data folder \`${directory}\` is in use by ${who}; stop it or choose another with --data`,
  );
}
