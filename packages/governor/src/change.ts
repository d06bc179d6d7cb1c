import type { Digest } from '@provability-fabric/kernel';
import type { FileMode } from './manifest/manifest.ts';

/** A regular file of the tree. */
export interface TreeFile {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly mode: FileMode;
}

/** What a manifest does to one file; `before` and `after` are never both null. */
export interface FileChange {
  /** Relative to the tree's root, `/` between segments, no `.` or `..`. */
  readonly path: string;
  readonly before: TreeFile | null;
  readonly after: TreeFile | null;
}

export type FileOperation = 'create' | 'modify' | 'delete' | 'chmod';

/** A change of bytes and mode is a modification; `chmod` is one of the mode alone. */
export function operationOf({ before, after }: FileChange): FileOperation {
  if (before === null) return 'create';
  if (after === null) return 'delete';
  return before.digest === after.digest ? 'chmod' : 'modify';
}
