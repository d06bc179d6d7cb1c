import { chmod, lstat, mkdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { CsiError } from './errors.ts';

/** The kernel's limit for the path of a socket, less its closing zero. */
const MAX_PATH_BYTES = 107;
const PROBE_MS = 1_000;

/**
 * Whoever can connect may ask, and whoever can write to the folder can put a listener of their own there; a
 * pod still has to prove who it is. So the folder is nobody else's, and the socket is only ours.
 */
export interface SocketPlace {
  /** Where to listen first: nobody can connect there. */
  readonly hidden: string;
  /** Puts the listening socket in its place, at once and with its mode. */
  publish(): Promise<void>;
  /** Takes it away if it is still this one. */
  withdraw(): Promise<void>;
}

/** Throws CSI_SOCKET_IN_USE where somebody listens, CSI_SOCKET_INVALID where it is not ours to put there. */
export async function takeSocketPlace(path: string): Promise<SocketPlace> {
  const folder = dirname(path);
  const detour = join(folder, `.${basename(path)}`);
  const hidden = join(detour, 's');
  const bytes = Buffer.byteLength(hidden);
  if (bytes > MAX_PATH_BYTES)
    throw invalid(
      `the path of a socket to be ${bytes - MAX_PATH_BYTES} bytes shorter than \`${path}\`, at most ` +
        `${MAX_PATH_BYTES} with what it needs while it starts`,
    );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await requireOwnFolder(folder);
  await refuseLiveSocket(path);
  // A crash may have left it. Of two that start at once one loses it, and with it its start.
  await rm(detour, { recursive: true, force: true });
  await mkdir(detour, { mode: 0o700 });
  let inode: number | undefined;
  return {
    hidden,
    async publish() {
      await chmod(hidden, 0o600);
      const { ino } = await lstat(hidden);
      await rename(hidden, path);
      inode = ino;
      await rmdir(detour);
    },
    async withdraw() {
      // Once it is published the private folder is gone, and what has its name is another provider's.
      if (inode === undefined) await rm(detour, { recursive: true, force: true });
      const there = await lstat(path).catch(() => undefined);
      if (there !== undefined && there.ino === inode) await unlink(path).catch(() => undefined);
    },
  };
}

async function requireOwnFolder(folder: string): Promise<void> {
  const { mode, uid } = await lstat(folder);
  if ((mode & 0o022) !== 0 || (uid !== process.getuid?.() && uid !== 0))
    throw invalid(`the folder \`${folder}\` to be owned by this user or root and writable for nobody else`);
}

/** A socket that nobody listens on is left over from a crash and is replaced; anything else stays. */
async function refuseLiveSocket(path: string): Promise<void> {
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there === undefined) return;
  if (!there.isSocket()) throw invalid(`a socket or nothing at \`${path}\``);
  if (await answers(path))
    throw new CsiError(
      'CSI_SOCKET_IN_USE',
      `expected nobody to listen at \`${path}\`; stop the other provider first`,
    );
}

/** Whoever neither answers nor refuses counts as there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (there: boolean) => {
      socket.destroy();
      resolve(there);
    };
    socket.setTimeout(PROBE_MS, () => end(true));
    socket.on('connect', () => end(true));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

function invalid(expected: string): CsiError {
  return new CsiError('CSI_SOCKET_INVALID', `expected ${expected}`);
}
