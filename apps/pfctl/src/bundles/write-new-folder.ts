import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CommandError } from '@provability-fabric/command-line';
import type { Shell } from '../shell.ts';

/** Writes files into a folder that is not there yet, and says which; never overwrites anything. */
export async function writeNewFolder(
  shell: Shell,
  directory: string,
  name: string,
  files: ReadonlyMap<string, string>,
): Promise<string> {
  const folder = join(directory, name);
  await mkdir(shell.path(directory), { recursive: true });
  // Making the folder is the claim to it: of two at once, one is told that it is there.
  await mkdir(shell.path(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new CommandError('INPUT_INVALID', `${folder}: expected no such folder yet; choose another name`);
  });
  for (const [file, text] of files) {
    const path = shell.path(join(folder, file));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'wx' });
  }
  return folder;
}
