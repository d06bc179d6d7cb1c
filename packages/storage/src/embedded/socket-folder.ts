import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateFolderFor, readTextFile, writePrivateFile } from './private-file.ts';
import type { Identity } from './run-command.ts';

/** A socket's path has to fit 104 bytes on some systems and 108 on Linux, its end included. */
const MAX_PATH_BYTES = 103;

/** A folder that only the database's user may enter: beside the data where the path is short enough. */
export async function openSocketFolder(directory: string, identity: Identity): Promise<string> {
  const beside = join(directory, 'run');
  if (fits(beside)) {
    await privateFolderFor(identity, beside);
    return beside;
  }
  const note = join(directory, 'socket-folder');
  const before = (await readTextFile(note))?.trim();
  if (before !== undefined && (await isOurs(before, identity))) return before;
  const folder = await mkdtemp(join(tmpdir(), 'pf-'));
  await privateFolderFor(identity, folder);
  await writePrivateFile(note, `${folder}\n`);
  return folder;
}

export async function removeSocketFolder(directory: string, folder: string): Promise<void> {
  if (folder === join(directory, 'run')) return;
  await rm(folder, { recursive: true, force: true });
  await rm(join(directory, 'socket-folder'), { force: true });
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, '.s.PGSQL.5432.lock')) <= MAX_PATH_BYTES;
}

/** In a folder for everybody, somebody else may have taken the name since. */
async function isOurs(folder: string, { uid = process.getuid?.() }: Identity): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o077) === 0;
}
