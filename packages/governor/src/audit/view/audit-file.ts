import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Crypto, utf8 } from '@provability-fabric/kernel';
import { GovernorError } from '../../errors.ts';
import { syncFolder } from '../../files/durable-files.ts';
import { continuesLine, genesisLine, genesisRoot } from '../audit-record.ts';
import { pack } from './pack.ts';
import { besides, firstLine, linesBackwards, partPath, partsOf, removeStale, rotatedLines } from './parts.ts';
import { readLine } from './read-line.ts';

/** Where the view ends. */
export interface ViewEnd {
  /** Of the next record. */
  readonly next: number;
  readonly root: string;
  /** The last record's envelope; undefined where the file begins there. */
  readonly envelope: Uint8Array | undefined;
}

export interface AuditFileOptions {
  readonly path: string;
  readonly crypto: Crypto;
  /** A file of this size or more is compressed and a new one begun; undefined: never. */
  readonly maxBytes: number | undefined;
}

/** The live file of the view, open for appending. */
export class AuditFile {
  readonly #options: AuditFileOptions;
  #file: FileHandle;
  #size: number;
  #inode: bigint;
  #part: number;
  /** Whether it was written to by somebody else since it was opened, and had something cut off. */
  readonly torn: boolean;
  readonly end: ViewEnd;

  private constructor(
    options: AuditFileOptions,
    file: FileHandle,
    at: { size: number; inode: bigint; part: number; torn: boolean; end: ViewEnd },
  ) {
    this.#options = options;
    this.#file = file;
    this.#size = at.size;
    this.#inode = at.inode;
    this.#part = at.part;
    this.torn = at.torn;
    this.end = at.end;
  }

  /**
   * Opens it where its last whole line ends, with a genesis where there is none; what a crash cut is cut off. Throws
   * CHANGE_AUDIT_DAMAGED where the last line is none of ours.
   */
  static async open(options: AuditFileOptions): Promise<AuditFile> {
    const { path, crypto } = options;
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    try {
      const { size, ino: inode } = await file.stat({ bigint: true });
      let last: { text: string; end: number } | undefined;
      for await (const line of linesBackwards(file, Number(size))) {
        last = line;
        break;
      }
      const { rotated, newest } = await partsOf(path);
      const torn = Number(size) !== (last?.end ?? 0);
      if (torn) await file.truncate(last?.end ?? 0);
      if (last === undefined) {
        const { line, end } = await beginning(crypto, rotated.at(-1));
        const bytes = utf8(`${line}\n`);
        await writeAll(file, bytes, 0);
        await file.sync();
        await syncFolder(dirname(path));
        return new AuditFile(options, file, { size: bytes.length, inode, part: newest, torn, end });
      }
      const end = endAfter(crypto, last.text);
      await removeStale(path, await firstLine(file, last.end));
      return new AuditFile(options, file, { size: last.end, inode, part: newest, torn, end });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Whether it is still the file at its path, as long as we left it. */
  async isOurs(): Promise<boolean> {
    try {
      const { size, ino } = await stat(this.#options.path, { bigint: true });
      return ino === this.#inode && Number(size) === this.#size;
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Durable when it resolves. Written at its place: two writers of one view write the same bytes there. */
  async append(lines: string): Promise<void> {
    const bytes = utf8(lines);
    await writeAll(this.#file, bytes, this.#size);
    await this.#file.datasync();
    this.#size += bytes.length;
  }

  get isFull(): boolean {
    const { maxBytes } = this.#options;
    return maxBytes !== undefined && this.#size >= maxBytes;
  }

  /** Compresses the live file into the next part, and begins a new one that continues it. */
  async rotate(next: number, root: string): Promise<void> {
    const { path } = this.#options;
    await pack(path, partPath(path, this.#part + 1), besides(path, 'packing'));
    const fresh = besides(path, 'next');
    const file = await open(fresh, 'w+', 0o600);
    try {
      const line = utf8(`${continuesLine(next, root)}\n`);
      await writeAll(file, line, 0);
      await file.sync();
      const { ino } = await file.stat({ bigint: true });
      await rename(fresh, path);
      await syncFolder(dirname(path));
      await this.#file.close();
      this.#file = file;
      this.#size = line.length;
      this.#inode = ino;
      this.#part += 1;
    } catch (error) {
      if (this.#file !== file) await file.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The first line of a file that is not there: the genesis, or what continues the newest part where there are parts. */
async function beginning(
  crypto: Crypto,
  newestPart: string | undefined,
): Promise<{ readonly line: string; readonly end: ViewEnd }> {
  if (newestPart === undefined) {
    const root = genesisRoot(crypto);
    return { line: genesisLine(crypto), end: { next: 0, root, envelope: undefined } };
  }
  let last = '';
  for await (const { text } of rotatedLines(newestPart)) last = text;
  const end = endAfter(crypto, last);
  return { line: continuesLine(end.next, end.root), end };
}

function endAfter(crypto: Crypto, text: string): ViewEnd {
  const read = readLine(crypto, text);
  switch (read.kind) {
    case 'genesis':
      if (read.root !== genesisRoot(crypto)) throw damaged('the genesis was forged');
      return { next: 0, root: read.root, envelope: undefined };
    case 'continues':
      return { next: read.index, root: read.root, envelope: undefined };
    case 'change': {
      const { record, envelope } = read.line;
      return { next: record.index + 1, root: record.merkle_root, envelope };
    }
    case 'bad':
      throw damaged(`its last line is none of ours: ${read.problem}`);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}

export function damaged(problem: string): GovernorError {
  return new GovernorError(
    'CHANGE_AUDIT_DAMAGED',
    `${problem}; run \`safeai audit --verify\`, then \`safeai audit restore FILE\` with a backup, or move the log away: ` +
      'it is then filled again from the record',
  );
}
