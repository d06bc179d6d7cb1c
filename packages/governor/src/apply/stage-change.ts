import { type Crypto, type Digest, digestOf } from '@provability-fabric/kernel';
import type { FileChange } from '../change.ts';
import { GovernorError } from '../errors.ts';
import { readWhole } from '../tree/file-digest.ts';
import { type Folder, inFolder, kindOf } from '../tree/folder.ts';
import { comparePaths, foldersAbove, shownPath } from '../tree/tree-path.ts';
import { stateAfter, type TreeState } from '../tree/tree-state.ts';
import type { ChangePlan, PlannedFile } from './change-plan.ts';
import { keepPreImage } from './pre-images.ts';
import { isSame, splitPath } from './target.ts';

/** `new-3` holds what the fourth file is to be, `old-3` what it was. */
export const newName = (index: number) => `new-${index}`;
export const oldName = (index: number) => `old-${index}`;

export interface StagedChange {
  readonly files: ChangePlan['files'];
  readonly made: ChangePlan['made'];
  readonly emptied: ChangePlan['emptied'];
  readonly after: Digest;
}

interface Staging {
  readonly crypto: Crypto;
  readonly root: Folder;
  readonly draft: Folder;
  readonly objects: Folder;
  readonly state: TreeState;
  readonly changes: readonly FileChange[];
}

/** Writes down, durably, all that the change needs and all that undoing it needs. Nothing of the tree is touched. */
export async function stageChange(staging: Staging): Promise<StagedChange> {
  const { crypto, root, draft, objects, state, changes } = staging;
  const device = root.self().dev;
  const files = changes.map((change, index) => stageFile(staging, device, change, index));
  const writing: Promise<void>[] = [];
  changes.forEach(({ after, before }, index) => {
    if (after !== null) writing.push(draft.syncFile(newName(index)));
    if (before !== null) writing.push(keepPreImage(draft, oldName(index), objects, before.digest));
  });
  await settled(writing);
  await objects.sync();
  const next = stateAfter(crypto, state, changes);
  return { files, ...foldersOf(root, changes, next), after: next.digest };
}

/** All of them have ended, also where one failed: what they hold open may be closed then. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function stageFile(
  { crypto, root, draft, state }: Staging,
  device: bigint,
  { path, before, after }: FileChange,
  index: number,
): PlannedFile {
  const { above, name } = splitPath(path);
  const found = inFolder(root, above, (folder) => {
    if (folder.self().dev !== device) {
      throw new GovernorError(
        'TREE_UNSAFE',
        `expected the whole tree on one file system, got another at ${shownPath(folder.shown)}; it cannot be changed as a whole`,
      );
    }
    const there = folder.stat(name);
    if (there !== undefined && !there.isFile() && (!there.isDirectory() || before !== null)) {
      throw new GovernorError(
        'TREE_UNSAFE',
        `expected a regular file at ${shownPath(path)}, got ${kindOf(there)}; a change neither makes, changes nor follows those`,
      );
    }
    return there?.isFile() ? readWhole(folder, name) : undefined;
  });
  const known = state.files.get(path) ?? null;
  if (
    !isSame(found?.file ?? null, before) ||
    !isSame(known && known.mode !== '120000' ? { ...known } : null, before)
  ) {
    throw new GovernorError(
      'STALE_BASE',
      `${shownPath(path)} is not the file any more that the change was made for`,
    );
  }
  if (after !== null && digestOf(crypto, after.bytes) !== after.digest) {
    throw new Error(`the bytes of change ${index} are not those of its digest`);
  }
  const stats = found?.stats;
  const owner = stats && { uid: Number(stats.uid), gid: Number(stats.gid) };
  const permissions = stats && Number(stats.mode & 0o777n);
  const planned = after && {
    digest: after.digest,
    mode: after.mode,
    permissions: permissionsFor(after.mode, permissions),
  };
  if (after && planned)
    draft.create(newName(index), after.bytes, { permissions: planned.permissions, ...owner });
  if (found !== undefined) draft.create(oldName(index), found.file.bytes, { permissions: 0o600 });
  return {
    path,
    before:
      before && owner && permissions !== undefined
        ? { digest: before.digest, mode: before.mode, permissions, ...owner }
        : null,
    after: planned,
  };
}

/** A file keeps what it had; git's mode adds or takes the right to run it, for all who may read it. */
function permissionsFor(mode: '100644' | '100755', had: number | undefined): number {
  if (had === undefined) return mode === '100755' ? 0o755 : 0o644;
  if ((mode === '100755') === ((had & 0o100) !== 0)) return had;
  return mode === '100755' ? had | 0o100 | ((had & 0o444) >> 2) : had & ~0o111;
}

/** Folders come and go with their files, as in git: made when the first arrives, removed when the last leaves. */
function foldersOf(
  root: Folder,
  changes: readonly FileChange[],
  next: TreeState,
): Pick<StagedChange, 'made' | 'emptied'> {
  const of = (kind: 'before' | 'after') =>
    new Set(changes.filter((change) => change[kind] !== null).flatMap(({ path }) => foldersAbove(path)));
  const made = [...of('after')].filter((path) => permissionsOf(root, path) === undefined).sort(comparePaths);
  const left = of('before');
  if (left.size > 0)
    for (const path of next.files.keys()) for (const above of foldersAbove(path)) left.delete(above);
  const emptied = [...left]
    .sort((a, b) => comparePaths(b, a))
    .flatMap((path) => {
      const permissions = permissionsOf(root, path);
      return permissions === undefined ? [] : [{ path, permissions }];
    });
  return { made, emptied };
}

function permissionsOf(root: Folder, path: string): number | undefined {
  const { above, name } = splitPath(path);
  return inFolder(root, above, (folder) => {
    const stats = folder.stat(name);
    return stats?.isDirectory() ? Number(stats.mode & 0o777n) : undefined;
  });
}
