import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const MARK = 'secrets.open';

/** A mark in the data folder while the service runs: one that is there at the start says that the last end was a crash. */
export async function markOpen(
  folder: string,
): Promise<{ readonly wasOpen: boolean; clear(): Promise<void> }> {
  const path = join(folder, MARK);
  const made = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  await made?.close();
  return { wasOpen: made === undefined, clear: () => rm(path, { force: true }) };
}
