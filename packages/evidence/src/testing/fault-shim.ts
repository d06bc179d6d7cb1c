import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type GrowingFile, type LogFiles, nodeLogFiles } from '../file-log/log-files.ts';

export type FaultyCall = 'grow' | 'write' | 'datasync' | 'truncate' | 'replace' | 'create' | 'syncFolder';

/** A fault shim between the log and the disk: real files, and calls that fail when a test says so. */
export class FaultShim implements LogFiles {
  /** Calls that fail with EIO. */
  readonly broken = new Set<FaultyCall>();
  /** Bytes until the disk is full; a write takes what still fits, and the next one fails with ENOSPC. */
  space = Number.POSITIVE_INFINITY;
  /** At most this many bytes are taken by one write. */
  longestWrite = Number.POSITIVE_INFINITY;
  /** How often each call was made. */
  readonly calls = new Map<FaultyCall, number>();
  readonly #files = nodeLogFiles();

  async grow(path: string): Promise<GrowingFile> {
    this.#enter('grow');
    const file = await this.#files.grow(path);
    return {
      write: async (bytes, position) => {
        this.#enter('write');
        const taken = Math.min(bytes.length, this.space, this.longestWrite);
        if (taken === 0) throw systemError('ENOSPC');
        this.space -= taken;
        return file.write(bytes.subarray(0, taken), position);
      },
      datasync: async () => {
        this.#enter('datasync');
        await file.datasync();
      },
      truncate: async (length) => {
        this.#enter('truncate');
        await file.truncate(length);
      },
      close: () => file.close(),
    };
  }

  async replace(path: string, bytes: Uint8Array): Promise<void> {
    this.#enter('replace');
    if (this.space < bytes.length) throw systemError('ENOSPC');
    await this.#files.replace(path, bytes);
  }

  async syncFolder(path: string): Promise<void> {
    this.#enter('syncFolder');
    await this.#files.syncFolder(path);
  }

  async create(path: string, bytes: Uint8Array): Promise<void> {
    this.#enter('create');
    if (this.space < bytes.length) throw systemError('ENOSPC');
    await this.#files.create(path, bytes);
  }

  remove = (path: string) => this.#files.remove(path);
  removeFolder = (path: string) => this.#files.removeFolder(path);

  #enter(call: FaultyCall): void {
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
    if (this.broken.has(call)) throw systemError('EIO');
  }
}

/** The same files without waiting for the disk: for tests that open hundreds of logs and lose no power. */
export function unsyncedFiles(): LogFiles {
  const files = nodeLogFiles();
  return {
    ...files,
    async grow(path) {
      return { ...(await files.grow(path)), datasync: async () => undefined };
    },
    async replace(path, bytes) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    },
    create: (path, bytes) => writeFile(path, bytes, { flag: 'wx', mode: 0o600 }),
    syncFolder: async () => undefined,
  };
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: fault shim`), { code });
}
