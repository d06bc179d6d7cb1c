import { base64, type Digest } from '@provability-fabric/kernel';
import type { FileChange } from '../change.ts';
import type { ChangeManifest, FileWrite } from './manifest.ts';

/** The manifest of a change that takes another back: whole files, each bound to what it replaces. */
export function inverseManifest(
  reverted: { readonly manifest: Digest; readonly index: number },
  changes: readonly FileChange[],
  tree: Digest,
): ChangeManifest {
  return {
    version: '1.0.0',
    targets: changes.map(({ path }) => path),
    edits: [],
    diffs: [],
    files: changes.map(fileWrite),
    tests: [],
    rationale: `roll back the change at index ${reverted.index}, ${reverted.manifest}, in the tree ${tree}`,
    reverts: reverted.manifest,
  };
}

function fileWrite({ path, before, after }: FileChange): FileWrite {
  const base = before?.digest ?? null;
  if (after === null) return { path, base, content: null };
  return { path, base, content: { base64: base64(after.bytes) }, mode: after.mode };
}
