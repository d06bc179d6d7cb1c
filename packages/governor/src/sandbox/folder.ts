import { chmod, lstat, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GovernorError } from '../errors.ts';
import { runTool } from './run-tool.ts';

const EXECUTE_FOR_OTHERS = 0o001;

/**
 * The folder itself, not a link to another, and a copy: it is handed to another user, which must never happen to the governed tree
 * or to what holds it.
 */
export async function checkFolder(folder: string, hidden: readonly string[]): Promise<void> {
  const kind = await lstat(folder).catch(() => undefined);
  if (kind?.isDirectory() !== true || (await realpath(folder)) !== folder) {
    throw new GovernorError(
      'SANDBOX_UNAVAILABLE',
      'a folder without links in its path was expected to run tests in',
    );
  }
  for (const path of hidden) {
    const real = await realpath(path).catch(() => path);
    if (real === folder || real.startsWith(folder === '/' ? '/' : `${folder}/`)) {
      throw new GovernorError(
        'SANDBOX_UNAVAILABLE',
        'a private copy was expected to run tests in, not the tree itself',
      );
    }
  }
}

/** An unprivileged user sets the sandbox up, so each folder above must let it pass. */
export async function checkPassable(folder: string): Promise<void> {
  for (let path = dirname(folder); ; path = dirname(path)) {
    if (((await stat(path)).mode & EXECUTE_FOR_OTHERS) === 0) {
      throw new GovernorError(
        'SANDBOX_UNAVAILABLE',
        'the folder to run tests in lies below one that only its owner may enter; take one made by `makeWorkspace`',
      );
    }
    if (path === dirname(path)) return;
  }
}

/** Gives a folder and all in it to a user. Neither `-h` nor `-R` follows a link. Nothing of a run is alive at this moment. */
export async function handOver(folder: string, user: number): Promise<void> {
  // Whoever copied the tree may have let others in.
  await chmod(folder, 0o700);
  const code = await runTool('chown', ['-hR', `${user}:${user}`, '--', folder]);
  if (code !== 0) {
    throw new GovernorError(
      'SANDBOX_UNAVAILABLE',
      'the folder could not be given to the user of the sandbox: root without CAP_CHOWN? run the governor as another user',
    );
  }
}
