import type { BigIntStats } from 'node:fs';
import type { Digest } from '@provability-fabric/kernel';
import type { FileMode } from '../manifest/manifest.ts';
import { digestFile, modeOf } from '../tree/file-digest.ts';
import { type Folder, inFolder } from '../tree/folder.ts';
import { segmentsOf } from '../tree/tree-path.ts';

/** What stands at a path now. A folder counts as nothing: folders are no part of a tree's digest. */
export interface Target {
  readonly digest: Digest;
  readonly mode: FileMode;
  readonly stats: BigIntStats;
}

export function splitPath(path: string): { readonly above: readonly string[]; readonly name: string } {
  const segments = segmentsOf(path);
  return { above: segments.slice(0, -1), name: segments.at(-1) ?? '' };
}

/** null where there is nothing; a link, or a link on the way, is TREE_UNSAFE. */
export function targetAt(root: Folder, path: string): Target | null {
  const { above, name } = splitPath(path);
  return inFolder(root, above, (folder) => targetIn(folder, name)) ?? null;
}

export function targetIn(folder: Folder, name: string): Target | null {
  if (folder.stat(name)?.isDirectory()) return null;
  const found = digestFile(folder, name);
  return found === undefined ? null : { digest: found.digest, mode: modeOf(found.stats), stats: found.stats };
}

export function isSame(
  target: { readonly digest: Digest; readonly mode: string } | null,
  expected: { readonly digest: Digest; readonly mode: string } | null,
): boolean {
  if (target === null || expected === null) return target === expected;
  return target.digest === expected.digest && target.mode === expected.mode;
}
