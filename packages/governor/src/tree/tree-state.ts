import {
  asDigest,
  type Crypto,
  canonicalBytes,
  type Digest,
  hex,
  leafHash,
  treeRoot,
} from '@provability-fabric/kernel';
import type { FileChange } from '../change.ts';
import type { FileMode } from '../manifest/manifest.ts';
import { comparePaths } from './tree-path.ts';

/** Git's modes of what a tree is made of; the last is a link, which no change makes, changes or follows. */
export type TreeMode = FileMode | '120000';

export interface TreeEntry {
  /** Of the file's bytes; of a link's target text. */
  readonly digest: Digest;
  readonly mode: TreeMode;
}

/** All that is in a tree, and the one digest that stands for it. */
export interface TreeState {
  /** RFC 6962 root over one leaf per entry, in the order of the paths' UTF-8 bytes. */
  readonly digest: Digest;
  /** In the same order. */
  readonly files: ReadonlyMap<string, TreeEntry>;
}

/** Puts the entries in order and works out their digest. */
export function stateOf(crypto: Crypto, entries: Iterable<readonly [string, TreeEntry]>): TreeState {
  const files = new Map([...entries].sort(([a], [b]) => comparePaths(a, b)));
  const hashes = Array.from(files, ([path, entry]) => leafOf(crypto, path, entry));
  return { digest: asDigest(hex(treeRoot(crypto, hashes))), files };
}

/** A look at a tree brings the same entry for what has not changed, and an apply needs three digests of nearly the same tree. */
const leaves = new WeakMap<TreeEntry, { readonly path: string; readonly leaf: Uint8Array }>();

function leafOf(crypto: Crypto, path: string, entry: TreeEntry): Uint8Array {
  const known = leaves.get(entry);
  if (known?.path === path) return known.leaf;
  const { digest, mode } = entry;
  const leaf = leafHash(crypto, canonicalBytes({ digest, mode, path }));
  leaves.set(entry, { path, leaf });
  return leaf;
}

/** The tree as it is once the changes are in it. */
export function stateAfter(crypto: Crypto, state: TreeState, changes: readonly FileChange[]): TreeState {
  const files = new Map(state.files);
  for (const { path, after } of changes) {
    if (after === null) files.delete(path);
    else files.set(path, { digest: after.digest, mode: after.mode });
  }
  return stateOf(crypto, files);
}

export function treeDigestAfter(crypto: Crypto, state: TreeState, changes: readonly FileChange[]): Digest {
  return stateAfter(crypto, state, changes).digest;
}
