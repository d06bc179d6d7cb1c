import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';

const LOOK_EVERY_MS = 100;
/** Adding up a large tree costs more than a look at the file system's free space. */
const ADD_UP_EVERY_LOOKS = 20;

/** An empty file takes no bytes, and yet one of the places that a file system has: as many are allowed as small ones would fill. */
const BYTES_PER_FILE = 4096;

async function freeSpace(folder: string): Promise<{ readonly bytes: number; readonly files: number }> {
  const { bfree, bsize, ffree } = await statfs(folder);
  return { bytes: bfree * bsize, files: ffree };
}

/** Follows no link and counts a file with several names once. What is deleted under it, or unreadable, it leaves out and says so. */
async function takenBytes(folder: string): Promise<number> {
  const said = await new Promise<string>((resolve) => {
    const options = { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, maxBuffer: 2 ** 26 };
    execFile('du', ['-s', '--block-size=1', '--', folder], options, (_error, stdout) => resolve(stdout));
  });
  const bytes = Number.parseInt(said, 10);
  if (!Number.isInteger(bytes)) throw new Error('the size of the workspace could not be found out');
  return bytes;
}

/**
 * Tells once when a folder takes more than `diskBytes`. Between two looks a fast disk takes more than that; files that are
 * deleted and still open, or hidden, and those without a byte, count when the file system has lost twice as much.
 */
export async function watchDisk(
  folder: string,
  diskBytes: number,
  full: () => void,
): Promise<{ close(): void }> {
  const free = await freeSpace(folder);
  const mostFiles = diskBytes / BYTES_PER_FILE;
  let closed = false;
  let looks = 0;
  let timer: NodeJS.Timeout;
  const isFull = async () => {
    const now = await freeSpace(folder);
    const lost = free.bytes - now.bytes;
    if (lost > 2 * diskBytes || free.files - now.files > 2 * mostFiles) return true;
    looks++;
    if (lost < diskBytes / 2 && looks % ADD_UP_EVERY_LOOKS !== 0) return false;
    return (await takenBytes(folder)) > diskBytes;
  };
  const look = async () => {
    // What cannot be measured is not bounded.
    const over = await isFull().catch(() => true);
    if (closed) return;
    if (over) full();
    else timer = setTimeout(() => void look(), LOOK_EVERY_MS);
  };
  timer = setTimeout(() => void look(), LOOK_EVERY_MS);
  return {
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}
