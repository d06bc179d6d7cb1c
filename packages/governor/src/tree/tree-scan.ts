import type { BigIntStats } from 'node:fs';
import { type Crypto, digestOf } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { digestFile, modeOf } from './file-digest.ts';
import { type Folder, kindOf } from './folder.ts';
import { isOutside, MAX_DEPTH, shownPath } from './tree-path.ts';
import { stateOf, type TreeEntry, type TreeState } from './tree-state.ts';

export interface TreeLimits {
  /** Files and links of a tree. */
  readonly files: number;
  /** Of all files together. */
  readonly bytes: number;
}

export const TREE_LIMITS: TreeLimits = { files: 200_000, bytes: 2 * 1024 ** 3 };

/**
 * A file that was written twice within the clock tick of its time stamps may have changed without showing it, as git's
 * "racily clean" ones; what was touched this shortly before it was read is read again the next time.
 */
const RACY_NS = 2_000_000_000n;
/** Looking at the tree gives way to everything else in the process this often. */
const YIELD_AFTER = 256;

interface Remembered {
  readonly stamp: string;
  readonly entry: TreeEntry;
}

/** Looks at the whole tree, and remembers digests for the next look. One look at a time. */
export class TreeScan {
  readonly #root: Folder;
  readonly #crypto: Crypto;
  readonly #now: () => number;
  readonly #limits: TreeLimits;
  #remembered = new Map<string, Remembered>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(root: Folder, options: { crypto: Crypto; now: () => number; limits: TreeLimits }) {
    this.#root = root;
    this.#crypto = options.crypto;
    this.#now = options.now;
    this.#limits = options.limits;
  }

  look(): Promise<TreeState> {
    const look = this.#last.then(() => this.#look());
    this.#last = look.catch(() => {});
    return look;
  }

  async #look(): Promise<TreeState> {
    const found = new Map<string, TreeEntry>();
    const remembered = new Map<string, Remembered>();
    let bytes = 0n;
    let since = 0;

    const visit = async (folder: Folder, depth: number): Promise<void> => {
      if (depth > MAX_DEPTH) {
        throw new GovernorError('TREE_UNSAFE', `expected at most ${MAX_DEPTH} folders within one another`);
      }
      for (const name of folder.names()) {
        if (isOutside(name, depth === 0)) continue;
        if (++since % YIELD_AFTER === 0) await new Promise((resolve) => setImmediate(resolve));
        const stats = folder.stat(name);
        // Gone since the folder was listed.
        if (stats === undefined) continue;
        if (stats.isDirectory()) {
          const child = folder.child(name);
          if (child === undefined) continue;
          try {
            await visit(child, depth + 1);
          } finally {
            child.close();
          }
          continue;
        }
        const path = folder.shownAs(name);
        bytes += stats.isFile() ? stats.size : 0n;
        this.#requireWithin(found.size + 1, bytes);
        const kept = this.#entry(folder, name, path, stats);
        if (kept === undefined) continue;
        found.set(path, kept.entry);
        if (kept.stamp !== '') remembered.set(path, kept);
      }
    };

    await visit(this.#root, 0);
    this.#remembered = remembered;
    return stateOf(this.#crypto, found);
  }

  #entry(folder: Folder, name: string, path: string, stats: BigIntStats): Remembered | undefined {
    if (stats.isSymbolicLink()) {
      return { stamp: '', entry: { digest: digestOf(this.#crypto, folder.readLink(name)), mode: '120000' } };
    }
    if (!stats.isFile()) {
      throw new GovernorError(
        'TREE_UNSAFE',
        `expected files, folders and links in the tree, got ${kindOf(stats)} at ${shownPath(path)}; remove it`,
      );
    }
    const known = this.#remembered.get(path);
    if (known !== undefined && known.stamp === stampOf(stats)) return known;
    const asked = BigInt(Math.trunc(this.#now())) * 1_000_000n;
    const read = digestFile(folder, name);
    if (read === undefined) return undefined;
    const newest = read.stats.mtimeNs > read.stats.ctimeNs ? read.stats.mtimeNs : read.stats.ctimeNs;
    return {
      stamp: newest + RACY_NS < asked ? stampOf(read.stats) : '',
      entry: { digest: read.digest, mode: modeOf(read.stats) },
    };
  }

  #requireWithin(files: number, bytes: bigint): void {
    const { files: mostFiles, bytes: mostBytes } = this.#limits;
    if (files <= mostFiles && bytes <= BigInt(mostBytes)) return;
    const what = files > mostFiles ? `\`${mostFiles}\` files` : `\`${mostBytes}\` bytes`;
    throw new GovernorError(
      'TREE_UNSAFE',
      `expected a tree of at most ${what}, got more; take what is built or fetched out of it, or govern a smaller folder`,
    );
  }
}

function stampOf({ dev, ino, size, mode, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}/${ino}/${size}/${mode}/${mtimeNs}/${ctimeNs}`;
}
