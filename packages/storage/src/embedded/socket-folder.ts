import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateFolderFor, readTextFile, writePrivateFile } from './private-file.ts';
import type { Identity } from './run-command.ts';

/** A socket's path has to fit 104 bytes on some systems and 108 on Linux, its end included. */
const MAX_PATH_BYTES = 103;
const NOTE = 'socket-folder';

/** A folder that only the database's user may enter: beside the data where the path is short enough. */
export async function openSocketFolder(directory: string, identity: Identity): Promise<string> {
  const beside = join(directory, 'run');
  if (fits(beside)) {
    await privateFolderFor(identity, beside);
    return beside;
  }
  const before = await noted(directory);
  if (before !== undefined && (await isPrivate(before, identity.uid ?? process.getuid?.()))) return before;
  const folder = await mkdtemp(join(tmpdir(), 'pf-'));
  await privateFolderFor(identity, folder);
  await writePrivateFile(join(directory, NOTE), `${folder}\n`);
  return folder;
}

/** Where an earlier `openSocketFolder` put it, as long as it belongs to that user alone. */
export async function findSocketFolder(
  directory: string,
  uid: number | undefined,
): Promise<string | undefined> {
  const beside = join(directory, 'run');
  const folder = fits(beside) ? beside : await noted(directory);
  return folder !== undefined && (await isPrivate(folder, uid)) ? folder : undefined;
}

export async function removeSocketFolder(directory: string, folder: string): Promise<void> {
  if (folder === join(directory, 'run')) return;
  await rm(folder, { recursive: true, force: true });
  await rm(join(directory, NOTE), { force: true });
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, '.s.PGSQL.5432.lock')) <= MAX_PATH_BYTES;
}

async function noted(directory: string): Promise<string | undefined> {
  return (await readTextFile(join(directory, NOTE)))?.trim();
}

/** In a folder for everybody, somebody else may have taken the name since. */
async function isPrivate(folder: string, uid: number | undefined): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o077) === 0;
}
