// All access to the tree goes from a descriptor of its root, one name at a time. Node has no openat(2), but
// `/proc/self/fd/N/name` is one: the kernel goes from the descriptor's folder itself, whatever stands at its path by
// now, and no name but a single one is ever given to it. Where somebody swaps a folder for a link meanwhile, the walk
// ends at the link; what is already open stays the folder that it was.
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { GovernorError } from '../errors.ts';
import { MAX_DEPTH, shownPath } from './tree-path.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** Missing from node:fs; the same number on every architecture that Node runs on. Such a descriptor can only be walked from. */
const O_PATH = 0o10000000;

/** Called before everything that leaves a trace on the disk, with what it is. The crash tests end the process in it. */
export type Step = (name: string) => void;

export interface Ownership {
  readonly permissions: number;
  readonly uid: number;
  readonly gid: number;
}

const EPERM_CODES = new Set(['EPERM', 'EACCES']);
const READ_CHUNK = 1 << 20;

export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** A folder by its descriptor. Close it. Names are single ones; `shown` is where it stands in the tree, for messages. */
export class Folder {
  readonly shown: string;
  readonly #fd: number;
  readonly #step: Step;
  #open = true;

  private constructor(fd: number, shown: string, step: Step) {
    this.#fd = fd;
    this.shown = shown;
    this.#step = step;
  }

  /** The only place where links are followed: whoever starts the governor names its root. */
  static open(path: string, step: Step = () => {}): Folder {
    return new Folder(openSync(path, O_PATH | O_DIRECTORY), '', step);
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  at(name: string): string {
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
      throw new GovernorError('TREE_UNSAFE', `expected a single name, got ${shownPath(name)}`);
    }
    return `${this.#self()}/${name}`;
  }

  #self(): string {
    // A number that was closed may be another file's by now.
    if (!this.#open) throw new Error('the folder is closed');
    return `/proc/self/fd/${this.#fd}`;
  }

  shownAs(name: string): string {
    return this.shown === '' ? name : `${this.shown}/${name}`;
  }

  /** undefined where nothing has that name. A link or anything else but a folder is TREE_UNSAFE. */
  child(name: string): Folder | undefined {
    const path = this.at(name);
    try {
      return new Folder(openSync(path, O_PATH | O_NOFOLLOW | O_DIRECTORY), this.shownAs(name), this.#step);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      if (!['ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) throw error;
      const what = this.stat(name)?.isSymbolicLink() ? 'a link' : 'no folder';
      throw new GovernorError(
        'TREE_UNSAFE',
        `expected a folder at ${shownPath(this.shownAs(name))}, got ${what}`,
        {
          cause: error,
        },
      );
    }
  }

  self(): BigIntStats {
    return lstatSync(`${this.#self()}/.`, { bigint: true });
  }

  /** Names that are no UTF-8 are TREE_UNSAFE: they could not be written down and found again. */
  names(): readonly string[] {
    const names = readdirSync(this.#self());
    if (!names.some((name) => name.includes('\ufffd'))) return names;
    const known = new Set(names);
    for (const raw of readdirSync(this.#self(), { encoding: 'buffer' })) {
      const name = raw.toString('utf8');
      if (known.has(name) && Buffer.from(name).equals(raw)) continue;
      throw new GovernorError('TREE_UNSAFE', `expected names in UTF-8, got ${shownPath(this.shownAs(name))}`);
    }
    return names;
  }

  stat(name: string): BigIntStats | undefined {
    return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false });
  }

  /** The target's bytes, as they are. */
  readLink(name: string): Buffer {
    return readlinkSync(this.at(name), { encoding: 'buffer' });
  }

  /**
   * Reads a regular file in parts of at most 1 MiB; the part is only good until the next one. undefined where nothing has
   * that name. Neither follows a link nor waits at a fifo.
   */
  read(name: string, onPart: (part: Uint8Array) => void): BigIntStats | undefined {
    let fd: number;
    try {
      fd = openSync(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      if (systemCode(error) === 'ELOOP' || systemCode(error) === 'ENXIO') throw this.#noFile(name);
      throw error;
    }
    try {
      const stats = fstatSync(fd, { bigint: true });
      if (!stats.isFile()) throw this.#noFile(name);
      const part = Buffer.allocUnsafe(Number(stats.size < READ_CHUNK ? stats.size + 1n : BigInt(READ_CHUNK)));
      for (let length = 1; length > 0; ) {
        length = readSync(fd, part, 0, part.length, null);
        if (length > 0) onPart(part.subarray(0, length));
      }
      return stats;
    } finally {
      closeSync(fd);
    }
  }

  /** A file that was not there, with exactly these permissions. Durable only after `syncFile` and `sync`. */
  create(name: string, bytes: Uint8Array, owner: Pick<Ownership, 'permissions'> & Partial<Ownership>): void {
    this.#step(`create ${name}`);
    const fd = openSync(this.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      this.#own(fd, name, owner);
      // After the owner: a change of owner takes permissions away. The process's umask has no say in either.
      fchmodSync(fd, owner.permissions);
    } finally {
      closeSync(fd);
    }
  }

  #own(fd: number, name: string, { uid, gid }: Partial<Ownership>): void {
    if (uid === undefined || gid === undefined) return;
    const stats = fstatSync(fd);
    if (stats.uid === uid && stats.gid === gid) return;
    try {
      fchownSync(fd, uid, gid);
    } catch (error) {
      if (!EPERM_CODES.has(systemCode(error) ?? '')) throw error;
      throw new GovernorError(
        'TREE_UNSAFE',
        `a file of user \`${uid}\` and group \`${gid}\` can only be changed by a governor that runs as that user (\`${name}\`)`,
        { cause: error },
      );
    }
  }

  createLink(name: string, target: Uint8Array): void {
    symlinkSync(Buffer.from(target), this.at(name));
  }

  makeFolder(name: string, permissions: number): void {
    this.#step(`mkdir ${name}`);
    mkdirSync(this.at(name), permissions);
    // The process's umask has no say.
    const folder = this.child(name);
    try {
      if (folder !== undefined) chmodSync(`${folder.#self()}/.`, permissions);
    } finally {
      folder?.close();
    }
  }

  /** False where it is not empty; nothing where it is not there. */
  removeFolder(name: string): boolean {
    this.#step(`rmdir ${name}`);
    try {
      rmdirSync(this.at(name));
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '')) return false;
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    return true;
  }

  unlink(name: string): void {
    this.#step(`unlink ${name}`);
    try {
      unlinkSync(this.at(name));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  /** Replaces what has the other name, in one step for everyone who looks. */
  rename(name: string, to: Folder, otherName: string): void {
    this.#step(`rename ${name} ${otherName}`);
    renameSync(this.at(name), to.at(otherName));
  }

  /** Never replaces: STALE_BASE where something has the other name by now. The first name stays. */
  linkAs(name: string, to: Folder, otherName: string): void {
    this.#step(`link ${name} ${otherName}`);
    try {
      linkSync(this.at(name), to.at(otherName));
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      throw new GovernorError(
        'STALE_BASE',
        `expected nothing at ${shownPath(to.shownAs(otherName))}, got something that was not in the tree before`,
        { cause: error },
      );
    }
  }

  /** Makes a file's bytes survive a power failure. */
  async syncFile(name: string): Promise<void> {
    this.#step(`fsync ${name}`);
    await syncAndClose(openSync(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  }

  /** Makes names that were made, moved or removed in the folder survive a power failure. */
  async sync(): Promise<void> {
    this.#step(`fsync folder ${this.shown}`);
    await syncAndClose(openSync(`${this.#self()}/.`, O_RDONLY | O_DIRECTORY));
  }

  #noFile(name: string): GovernorError {
    return new GovernorError(
      'TREE_UNSAFE',
      `expected a regular file at ${shownPath(this.shownAs(name))}, got ${kindOf(this.stat(name))}`,
    );
  }
}

export function kindOf(stats: BigIntStats | undefined): string {
  if (stats === undefined) return 'nothing';
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a folder';
  if (stats.isSymbolicLink()) return 'a link';
  if (stats.isFIFO()) return 'a fifo';
  return stats.isSocket() ? 'a socket' : 'a device';
}

function syncAndClose(fd: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    fsync(fd, (error) => {
      closeSync(fd);
      if (error) reject(error);
      else resolve();
    });
  });
}

/**
 * Does something in the folder that the segments lead to, or answers undefined where one is missing; a file in a folder's
 * place means that nothing is below it.
 */
export function inFolder<Result>(
  root: Folder,
  segments: readonly string[],
  work: (folder: Folder) => Result,
): Result | undefined {
  if (segments.length > MAX_DEPTH)
    throw new GovernorError('TREE_UNSAFE', 'the folders are nested too deeply');
  let folder = root;
  try {
    for (const name of segments) {
      const next = folder.stat(name)?.isFile() ? undefined : folder.child(name);
      if (folder !== root) folder.close();
      folder = root;
      if (next === undefined) return undefined;
      folder = next;
    }
    return work(folder);
  } finally {
    if (folder !== root) folder.close();
  }
}
