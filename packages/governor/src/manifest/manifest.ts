import type { Digest } from '@provability-fabric/kernel';

/** DSSE payload type of a signed manifest. */
export const MANIFEST_PAYLOAD_TYPE = 'application/vnd.provability-fabric.change-manifest+json';

/** Git's two modes of a regular file; links, submodules and all else are never made by a change. */
export type FileMode = '100644' | '100755';

/**
 * An edit of lines, in the original's form. Lines are counted from 0, `end` is inclusive: `replace` puts `text` in the place of
 * the lines start to end, `delete` removes them, `insert` puts `text` before line `start` (`end` equals `start`; the number
 * of lines is the end of the file). Numbers are those of the file before the change, so edits of a file may not overlap.
 */
export interface Edit {
  readonly path: string;
  readonly op: 'replace' | 'insert' | 'delete';
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A unified diff of one file; it applies exactly or not at all. */
export interface FileDiff {
  readonly path: string;
  /** SHA-256 of the file before. */
  readonly base: Digest;
  readonly diff: string;
}

/** A whole file: written, created or deleted. */
export interface FileWrite {
  readonly path: string;
  /** SHA-256 of the file before; null: it must not be there. */
  readonly base: Digest | null;
  /** null: the file is deleted. */
  readonly content: { readonly text: string } | { readonly base64: string } | null;
  /** Absent: the mode stays, and a new file is 100644. */
  readonly mode?: FileMode;
}

/** What is to be changed, and what that rests on. */
export interface ChangeManifest {
  readonly version: '1.0.0';
  /** The paths that change: exactly those of edits, diffs and files, each once. */
  readonly targets: readonly string[];
  readonly edits: readonly Edit[];
  readonly diffs: readonly FileDiff[];
  readonly files: readonly FileWrite[];
  /** Commands for `/bin/sh -c` in the sandbox, in the tree after the change; one after the other until one fails. */
  readonly tests: readonly string[];
  readonly rationale: string;
  /** Present for the inverse of a change: the hash of the manifest that it takes back. */
  readonly reverts?: Digest;
}

/** What a signature also binds: where, under which policy and until when the change may be applied. */
export interface ChangeBinding {
  /** `treeDigest` of the tree that the change was made for. */
  readonly base_tree: Digest;
  readonly policy: { readonly digest: Digest; readonly version: number };
  /** RFC 3339 UTC. */
  readonly expires_at: string;
  /** 1 to 128 of A-Z a-z 0-9 . _ : -; the same key with another manifest is refused. */
  readonly idempotency_key: string;
}

/** What is signed. */
export type BoundManifest = ChangeManifest & ChangeBinding;
