import { randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
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
  // A name of its own: another process may be making the same file, and what is linked has to be what this one wrote.
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`;
  const file = await open(temporary, 'wx', mode);
  try {
    await writeAndSync(file, bytes).finally(() => file.close());
    // Unlike a rename, a link never replaces.
    await link(temporary, path);
  } finally {
    await unlink(temporary);
  }
  await syncFolder(dirname(path));
}

/** Behind the name of the file; in earlier versions without the number. */
const UNFINISHED = /^(\.[0-9a-f]{12})?\.new$/;

/** Removes a file, durably, and what crashes left of making it, which may hold the same bytes. */
export async function removeFile(path: string): Promise<void> {
  const folder = dirname(path);
  const whole = basename(path);
  const isLeft = (name: string) => name.startsWith(whole) && UNFINISHED.test(name.slice(whole.length));
  for (const name of [whole, ...(await readdir(folder)).filter(isLeft)])
    await unlink(join(folder, name)).catch((error: unknown) => {
      if (!hasSystemCode(error, 'ENOENT')) throw error;
    });
  await syncFolder(folder);
}
