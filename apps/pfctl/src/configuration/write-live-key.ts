import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, systemCode } from '@provability-fabric/command-line';
import { syncFolder } from '../sync-folder.ts';

/**
 * Replaces a key file as a whole, durably: a fabric that reads it meanwhile sees the old value or the new one. Refuses a
 * mounted ConfigMap, whose next synchronisation would undo the change, and links, which lead elsewhere.
 */
export async function writeLiveKey(directory: string, key: string, value: string): Promise<void> {
  await requireOwnFolder(directory, key, value);
  const path = join(directory, key);
  const there = await look(path);
  if (there !== undefined && !there.isFile())
    throw refused(
      path,
      there.isSymbolicLink() ? 'a link' : 'no file',
      'put a regular file in its place, or none',
    );

  await mkdir(directory, { recursive: true });
  // A name that begins with a dot is read by nobody.
  const temporary = join(directory, `.${key}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx', 0o644);
  try {
    await file.chmod(0o644);
    await file.writeFile(`${value}\n`);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(directory);
}

async function requireOwnFolder(directory: string, key: string, value: string): Promise<void> {
  const folder = await look(directory);
  if (folder === undefined) return;
  const patch = `kubectl patch configmap policy-config --patch '${JSON.stringify({ data: { [key]: value } })}'`;
  if (folder.isSymbolicLink()) throw refused(directory, 'a link', `write where it leads, or \`${patch}\``);
  if (!folder.isDirectory()) throw refused(directory, 'no folder', 'make it one');
  if ((await look(join(directory, '..data'))) !== undefined)
    throw refused(
      directory,
      'a mounted ConfigMap',
      `change that instead: \`${patch}\` (with its --namespace)`,
    );
}

async function look(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function refused(path: string, came: string, mend: string): CommandError {
  return new CommandError('INPUT_INVALID', `${path}: expected key files of our own, came ${came}; ${mend}`);
}
