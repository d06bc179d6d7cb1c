import { open, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createFile, ensureFolder, replaceFile, syncFolder } from '../durable-files.ts';
import { hasSystemCode } from '../errors.ts';

/** A file that grows at its end. */
export interface GrowingFile {
  /** Answers how many bytes were taken: possibly fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Resolves once everything written survives a power failure. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** Every call with which an open log changes the disk; a test replaces it to make the disk full or broken. */
export interface LogFiles {
  /** Opens a file for writing, created where it is missing. */
  grow(path: string): Promise<GrowingFile>;
  /** Replaces a file as a whole or not at all, in a folder that is made where missing. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Creates a file for its owner only, durably; EEXIST where there is one. */
  create(path: string, bytes: Uint8Array): Promise<void>;
  /** A missing file is no error. */
  remove(path: string): Promise<void>;
  /** With everything in it; a missing one is no error. */
  removeFolder(path: string): Promise<void>;
  /** Makes names made and removed in a folder survive a power failure. */
  syncFolder(path: string): Promise<void>;
}

export function nodeLogFiles(): LogFiles {
  const folders = new Set<string>();

  async function ensureOnce(folder: string): Promise<void> {
    if (folders.has(folder)) return;
    await ensureFolder(folder);
    folders.add(folder);
  }

  return {
    async grow(path) {
      const file = await open(path, 'r+').catch((error: unknown) => {
        if (!hasSystemCode(error, 'ENOENT')) throw error;
        return open(path, 'wx', 0o600);
      });
      return {
        write: async (bytes, position) => (await file.write(bytes, 0, bytes.length, position)).bytesWritten,
        datasync: () => file.datasync(),
        truncate: (length) => file.truncate(length),
        close: () => file.close(),
      };
    },
    async replace(path, bytes) {
      await ensureOnce(dirname(path));
      await replaceFile(path, bytes);
    },
    create: (path, bytes) => createFile(path, bytes, 0o600),
    async remove(path) {
      await unlink(path).catch((error: unknown) => {
        if (!hasSystemCode(error, 'ENOENT')) throw error;
      });
    },
    async removeFolder(path) {
      folders.delete(path);
      await rm(path, { recursive: true, force: true });
    },
    syncFolder,
  };
}
