import { type FileHandle, link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { hasSystemCode } from './errors.ts';

/** Makes names created, renamed or removed in a folder survive a power failure. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    // Some systems cannot sync a folder and say so with EINVAL or EPERM; there is nothing better to do there.
    if (process.platform === 'linux' || !['EINVAL', 'EPERM'].some((code) => hasSystemCode(error, code))) {
      throw error;
    }
  } finally {
    await folder.close();
  }
}

/** Creates a folder and its missing parents, each durably. */
export async function ensureFolder(path: string, mode = 0o755): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  let parent = dirname(first);
  await syncFolder(parent);
  for (const name of relative(parent, path).split(sep).slice(0, -1)) {
    parent = join(parent, name);
    await syncFolder(parent);
  }
}

async function writeAndSync(file: FileHandle, bytes: Uint8Array): Promise<void> {
  await file.writeFile(bytes);
  await file.sync();
}

/** Replaces a file as a whole or not at all. Its name is durable only after `syncFolder` on the folder. */
export async function replaceFile(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', mode);
  try {
    await writeAndSync(file, bytes);
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/**
 * Creates a file that must not exist yet (EEXIST otherwise), durably. A crash leaves the whole file or none:
 * an empty key file would stop every later start.
 */
export async function createFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', mode);
  try {
    await writeAndSync(file, bytes);
  } finally {
    await file.close();
  }
  // Unlike a rename, a link never replaces.
  await link(temporary, path).finally(() => unlink(temporary));
  await syncFolder(dirname(path));
}
