import { chmod, lstat, mkdir, mkdtemp, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { GovernorError } from '../errors.ts';
import { isLeftover, ownPrefix } from './process-identity.ts';
import { runTool } from './run-tool.ts';

export interface Workspace {
  /** Empty, without a link in its path, and passable for the user that a governor run by root becomes. */
  readonly folder: string;
  /** Also where a test took its own permissions away; follows no link. */
  remove(): Promise<void>;
}

/**
 * A folder below `base` for the private copy of a tree, for `SandboxRun.folder`. Nobody but root and the sandbox's user can enter
 * it. Takes away what governors that were killed left there.
 */
export async function makeWorkspace(base: string): Promise<Workspace> {
  const parent = await realpath(base);
  await removeLeftovers(parent);
  const outer = await mkdtemp(join(parent, await ownPrefix()));
  // Root's copy is handed to another user, who must get through here; nobody can list it.
  if (process.getuid?.() === 0) await chmod(outer, 0o711);
  const folder = join(outer, 'workspace');
  await mkdir(folder, { mode: 0o700 });
  return { folder, remove: () => removeFolder(outer) };
}

async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (!(await isLeftover(name))) continue;
    const kind = await lstat(path).catch(() => undefined);
    // Others may write into /tmp as well: only what this user made is taken away.
    if (kind?.isDirectory() === true && kind.uid === process.getuid?.()) await removeFolder(path);
  }
}

/** Also what a hostile command made unremovable. */
export async function removeFolder(folder: string): Promise<void> {
  if ((await runTool('rm', ['-rf', '--', folder])) === 0) return;
  // A folder without permissions stops its owner. Recursive chmod follows no link that it meets.
  await runTool('chmod', ['-R', 'u+rwX', '--', folder]);
  if ((await runTool('rm', ['-rf', '--', folder])) === 0) return;
  throw new GovernorError('SANDBOX_UNAVAILABLE', 'the private copy that tests ran in could not be removed');
}
