import { constants, type FSWatcher, watch as watchFolder } from 'node:fs';
import { lstat, open, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasSystemCode, syncFolder, writeSynced } from '../files/durable-files.ts';
import type { KillOrder, KillSource } from './kill-switch.ts';
import { polledKillSource } from './polled-kill-source.ts';
import { formatSentinel, readSentinel } from './sentinel-text.ts';

const MOST_BYTES = 4_096;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
let written = 0;

/**
 * A file in the data folder. Whatever stands at its path stops the governor: an empty file, one that cannot be read, a folder,
 * a link that leads nowhere. A folder that is itself not there, or does not answer, counts as well.
 */
export function sentinelSource(
  path: string,
  options: { readonly everyMs?: number; readonly patienceMs?: number } = {},
): KillSource {
  return polledKillSource({
    name: 'sentinel',
    ...options,
    look: () => look(path),
    write: (order) => (order === null ? remove(path) : write(path, order)),
    async hints(lookNow) {
      const watcher: FSWatcher = watchFolder(dirname(path), { persistent: false }, (_, name) => {
        if (name === null || name === basename(path)) lookNow();
      });
      // A folder that goes away: looking finds out.
      watcher.on('error', () => undefined);
      return async () => watcher.close();
    },
  });
}

async function look(path: string): Promise<KillOrder | null> {
  try {
    await lstat(path);
  } catch (error) {
    if (!hasSystemCode(error, 'ENOENT')) throw error;
    // With its folder gone too, a volume may be: nobody can say what the file would.
    await stat(dirname(path));
    return null;
  }
  return readSentinel(await read(path).catch(() => ''));
}

/** Not through a link, and not what would make a reader wait. */
async function read(path: string): Promise<string> {
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) return '';
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function write(path: string, order: KillOrder): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${++written}`);
  // Of a process that had this number before.
  await unlink(temporary).catch(() => undefined);
  try {
    await writeSynced(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644, formatSentinel(order));
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    // A folder in its place stops the governor just as well.
    if (!hasSystemCode(error, 'EISDIR')) throw error;
  }
  await syncFolder(dirname(path));
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (hasSystemCode(error, 'EISDIR')) await rmdir(path);
    else if (!hasSystemCode(error, 'ENOENT')) throw error;
  }
  await syncFolder(dirname(path));
}
