import { type FileHandle, link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

export function hasSystemCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Makes the folder, its owner's alone. */
export async function ensureKeyFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first !== undefined) await syncFolder(dirname(first));
}

/**
 * Creates a file durably, whole or not at all; false where the name is taken, whatever has it. `unique` keeps what is being
 * written apart from what another process writes.
 */
export async function createFile(
  path: string,
  bytes: Uint8Array,
  mode: number,
  unique: string,
): Promise<boolean> {
  const temporary = `${path}.${unique}.new`;
  await writeNew(temporary, bytes, mode);
  try {
    // Unlike a rename, a link never replaces, and follows nothing.
    await link(temporary, path);
  } catch (error) {
    if (hasSystemCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
  await syncFolder(dirname(path));
  return true;
}

/** Replaces a file durably, whole or not at all. */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  mode: number,
  unique: string,
): Promise<void> {
  const temporary = `${path}.${unique}.new`;
  await writeNew(temporary, bytes, mode);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

async function writeNew(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  // The process's mask takes bits away from what `open` asks for.
  await file
    .chmod(mode)
    .then(() => writeAndSync(file, bytes))
    .finally(() => file.close());
}

async function writeAndSync(file: FileHandle, content: Uint8Array | string): Promise<void> {
  await file.writeFile(content);
  await file.sync();
}

/** Writes a file that is yet to be renamed to its place; `flags` say what may stand there now. */
export async function writeSynced(
  path: string,
  flags: number,
  mode: number,
  content: Uint8Array | string,
): Promise<void> {
  const file = await open(path, flags, mode);
  await writeAndSync(file, content).finally(() => file.close());
}

/** Makes names created, replaced or removed in a folder survive a power failure. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}
