import { GovernorError } from '../errors.ts';
import { type Folder, inFolder } from '../tree/folder.ts';
import { shownPath } from '../tree/tree-path.ts';
import type { ChangePlan, PlannedFile } from './change-plan.ts';
import { makeFolder, removeFolder, syncTouched } from './land-change.ts';
import { readPreImage } from './pre-images.ts';
import { oldName } from './stage-change.ts';
import { isSame, splitPath, targetAt, targetIn } from './target.ts';

const SHOWN_PATHS = 5;

/**
 * Takes back as much of a change as was carried out. May be ended at any point and begun anew: each file is either what it
 * was or what it was to be. One that is neither is somebody else's: then nothing at all is touched, and TREE_DAMAGED names it.
 */
export async function undoChange(
  root: Folder,
  entry: Folder,
  objects: Folder,
  plan: ChangePlan,
  /** Where it is known: what was carried out. The rest is whatever somebody else has made of it. */
  carriedOut?: ReadonlySet<PlannedFile>,
): Promise<void> {
  const done = plan.files
    .map((file, index) => ({ file, index }))
    .filter(({ file }) => carriedOut === undefined || carriedOut.has(file))
    .map((one) => ({ ...one, target: targetAt(root, one.file.path) }));
  const foreign = done.filter(
    ({ file, target }) => !isSame(target, file.before) && !isSame(target, file.after),
  );
  if (foreign.length > 0)
    throw damaged(
      plan,
      foreign.map(({ file }) => file.path),
    );
  const lost = done.filter(
    ({ file, target }) =>
      !isSame(target, file.before) && file.before && !readPreImage(objects, file.before.digest),
  );
  if (lost.length > 0) {
    throw new GovernorError(
      'TREE_DAMAGED',
      `change \`${plan.id}\` cannot be taken back: what ${shown(lost.map(({ file }) => file.path))} was is gone from \`.safeai/objects\`; put it back from a backup`,
    );
  }
  const changed = done.filter(({ file, target }) => !isSame(target, file.before));
  for (const { file } of changed) if (file.before === null) takeAway(root, file);
  for (const path of [...plan.made].reverse()) removeFolder(root, path);
  for (const { path, permissions } of [...plan.emptied].reverse()) makeFolder(root, path, permissions);
  for (const { file, index } of changed) await putBack(root, entry, objects, file, index);
  await syncTouched(root, plan);
}

function takeAway(root: Folder, { path, after }: PlannedFile): void {
  const { above, name } = splitPath(path);
  inFolder(root, above, (folder) => {
    if (isSame(targetIn(folder, name), after)) folder.unlink(name);
  });
}

async function putBack(
  root: Folder,
  entry: Folder,
  objects: Folder,
  { path, before, after }: PlannedFile,
  index: number,
): Promise<void> {
  const bytes = before && readPreImage(objects, before.digest);
  if (!before || bytes === undefined || bytes === null) return;
  const { above, name } = splitPath(path);
  const draft = oldName(index);
  entry.unlink(draft);
  entry.create(draft, bytes, before);
  await entry.syncFile(draft);
  const done = inFolder(root, above, (folder) => {
    if (!isSame(targetIn(folder, name), after)) return false;
    if (after === null) entry.linkAs(draft, folder, name);
    else entry.rename(draft, folder, name);
    return true;
  });
  if (done !== true) {
    throw new GovernorError(
      'TREE_DAMAGED',
      `${shownPath(path)} was changed by somebody else while a change was taken back`,
    );
  }
}

function damaged(plan: ChangePlan, paths: readonly string[]): GovernorError {
  return new GovernorError(
    'TREE_DAMAGED',
    `change \`${plan.id}\` was cut off, and ${shown(paths)} is neither what it was nor what it was to be; put one of the two back, then try again`,
  );
}

function shown(paths: readonly string[]): string {
  const names = paths.slice(0, SHOWN_PATHS).map(shownPath).join(', ');
  return paths.length > SHOWN_PATHS ? `${names} and ${paths.length - SHOWN_PATHS} more` : names;
}
