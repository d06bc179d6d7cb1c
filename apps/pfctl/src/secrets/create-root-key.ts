import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError, systemCode } from '@provability-fabric/command-line';
import { syncFolder } from '../sync-folder.ts';

const KEY_BYTES = 32;

/** Never over a file that is there: it may be the only copy of a key. */
export async function createRootKey(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((cause: unknown) => {
    if (systemCode(cause) !== 'EEXIST') throw cause;
    throw new CommandError('INPUT_INVALID', `expected a new file, came one that is there: ${path}`, {
      cause,
    });
  });
  try {
    await file.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
}
