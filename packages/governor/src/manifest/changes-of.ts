import { BytesError, type Crypto, digestOf, fromBase64, fromUtf8, utf8 } from '@provability-fabric/kernel';
import type { FileChange, TreeFile } from '../change.ts';
import { GovernorError } from '../errors.ts';
import { applyDiff } from './apply-diff.ts';
import { applyEdits } from './apply-edits.ts';
import type { ChangeManifest, Edit, FileDiff, FileWrite } from './manifest.ts';
import { quotedPath } from './quoted-path.ts';

type ReadFile = (path: string) => Promise<TreeFile | undefined>;

/**
 * What a manifest does to the files that it names, in the order of its targets. Throws STALE_BASE where a file is not the one that
 * the manifest was made for, MANIFEST_INVALID where an edit or diff does not fit it or nothing would change.
 */
export async function changesOf(
  crypto: Crypto,
  manifest: ChangeManifest,
  read: ReadFile,
): Promise<readonly FileChange[]> {
  const after = editorsOf(crypto, manifest);
  const changes: FileChange[] = [];
  for (const path of manifest.targets) {
    const before = (await read(path)) ?? null;
    const change = { path, before, after: (after.get(path) as Editor)(before) };
    checkChanged(change);
    changes.push(change);
  }
  return changes;
}

type Editor = (before: TreeFile | null) => TreeFile | null;

function editorsOf(crypto: Crypto, { edits, diffs, files }: ChangeManifest): ReadonlyMap<string, Editor> {
  const editors = new Map<string, Editor>();
  const changeText = (path: string, change: (text: string) => string): Editor => {
    return (before) => {
      if (before === null) throw stale(path, 'to be there, since its text is changed');
      return fileOf(crypto, utf8(change(textOf(path, before))), before.mode);
    };
  };
  for (const [path, own] of byPath(edits))
    editors.set(
      path,
      changeText(path, (text) => applyEdits(path, text, own)),
    );
  for (const diff of diffs) editors.set(diff.path, diffEditor(diff, changeText));
  for (const file of files) editors.set(file.path, writeEditor(crypto, file));
  return editors;
}

function byPath(edits: readonly Edit[]): ReadonlyMap<string, readonly Edit[]> {
  const grouped = new Map<string, Edit[]>();
  for (const edit of edits) {
    const known = grouped.get(edit.path);
    if (known === undefined) grouped.set(edit.path, [edit]);
    else known.push(edit);
  }
  return grouped;
}

function diffEditor(
  { path, base, diff }: FileDiff,
  changeText: (path: string, change: (text: string) => string) => Editor,
): Editor {
  const apply = changeText(path, (text) => applyDiff(path, text, diff));
  return (before) => {
    checkBase(path, base, before);
    return apply(before);
  };
}

function writeEditor(crypto: Crypto, { path, base, content, mode }: FileWrite): Editor {
  return (before) => {
    checkBase(path, base, before);
    if (content === null) return null;
    const bytes = 'text' in content ? utf8(content.text) : fromBase64(content.base64);
    return fileOf(crypto, bytes, mode ?? before?.mode ?? '100644');
  };
}

function checkBase(path: string, base: string | null, before: TreeFile | null): void {
  if (base === null && before !== null) throw stale(path, 'not to be there yet');
  if (base !== null && before === null) throw stale(path, 'to be there');
  if (base !== null && before?.digest !== base) throw stale(path, 'to be what the change was made for');
}

function checkChanged({ path, before, after }: FileChange): void {
  if (before?.digest === after?.digest && before?.mode === after?.mode)
    throw new GovernorError(
      'MANIFEST_INVALID',
      `expected a change of ${quotedPath(path)}, came none: leave it out`,
    );
}

function textOf(path: string, { bytes }: TreeFile): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    if (!(cause instanceof BytesError)) throw cause;
    throw new GovernorError(
      'MANIFEST_INVALID',
      `expected ${quotedPath(path)} to be text in UTF-8, since its lines are changed; write it whole, under \`files\``,
      { cause },
    );
  }
}

function fileOf(crypto: Crypto, bytes: Uint8Array, mode: TreeFile['mode']): TreeFile {
  return { bytes, digest: digestOf(crypto, bytes), mode };
}

function stale(path: string, expected: string): GovernorError {
  return new GovernorError(
    'STALE_BASE',
    `expected ${quotedPath(path)} ${expected}; make the change anew for the tree as it is`,
  );
}
