import { GovernorError } from '../errors.ts';
import { type Folder, inFolder } from '../tree/folder.ts';
import { foldersAbove, shownPath } from '../tree/tree-path.ts';
import type { ChangePlan, PlannedFile } from './change-plan.ts';
import { newName } from './stage-change.ts';
import { isSame, splitPath, targetIn } from './target.ts';

/**
 * Carries a prepared change out: what goes, the folders that this empties, the folders that come, what comes. Each file is
 * looked at again right before; throws STALE_BASE where somebody else was quicker. The caller undoes then, but only what was
 * told to `onDone`.
 */
export async function landChange(
  root: Folder,
  entry: Folder,
  plan: ChangePlan,
  onDone: (file: PlannedFile) => void,
): Promise<void> {
  for (const file of plan.files) {
    if (file.after !== null) continue;
    remove(root, file);
    onDone(file);
  }
  for (const { path } of plan.emptied) removeFolder(root, path);
  for (const path of plan.made) makeFolder(root, path, 0o755);
  plan.files.forEach((file, index) => {
    if (file.after === null) return;
    write(root, entry, file, index);
    onDone(file);
  });
  await syncTouched(root, plan);
}

function remove(root: Folder, file: PlannedFile): void {
  const { above, name } = splitPath(file.path);
  const done = inFolder(root, above, (folder) => {
    requireBefore(folder, name, file);
    folder.unlink(name);
    return true;
  });
  if (done === undefined) throw stale(file.path);
}

function write(root: Folder, entry: Folder, file: PlannedFile, index: number): void {
  const { above, name } = splitPath(file.path);
  const done = inFolder(root, above, (folder) => {
    requireBefore(folder, name, file);
    if (file.before === null) entry.linkAs(newName(index), folder, name);
    else entry.rename(newName(index), folder, name);
    return true;
  });
  if (done === undefined) throw stale(file.path);
}

function requireBefore(folder: Folder, name: string, { path, before }: PlannedFile): void {
  if (!isSame(targetIn(folder, name), before)) throw stale(path);
}

function stale(path: string): GovernorError {
  return new GovernorError(
    'STALE_BASE',
    `${shownPath(path)} was changed by somebody else while the change was applied`,
  );
}

export function removeFolder(root: Folder, path: string): void {
  const { above, name } = splitPath(path);
  inFolder(root, above, (folder) => {
    // Not empty: something is in it that is no part of the tree. It stays.
    if (folder.stat(name)?.isDirectory()) folder.removeFolder(name);
  });
}

export function makeFolder(root: Folder, path: string, permissions: number): void {
  const { above, name } = splitPath(path);
  inFolder(root, above, (folder) => {
    if (folder.stat(name) === undefined) folder.makeFolder(name, permissions);
  });
}

/** Each folder once, however many of its names have changed. */
export async function syncTouched(root: Folder, plan: ChangePlan): Promise<void> {
  const folders = new Set<string>();
  const paths = [
    ...plan.files.map(({ path }) => path),
    ...plan.made,
    ...plan.emptied.map(({ path }) => path),
  ];
  for (const path of paths) folders.add(foldersAbove(path)[0] ?? '');
  const syncing = [...folders].map((path) => {
    if (path === '') return root.sync();
    const { above, name } = splitPath(path);
    return inFolder(root, above, (parent) => {
      const folder = parent.stat(name)?.isDirectory() ? parent.child(name) : undefined;
      return folder?.sync().finally(() => folder.close());
    });
  });
  const failed = (await Promise.allSettled(syncing)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
