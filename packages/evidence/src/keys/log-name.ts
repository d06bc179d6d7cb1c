import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasSystemCode } from '../errors.ts';

/** The name of the log whose keys are in a folder, which its verifier key bears before its first `+` (C2SP signed-note). */
export async function readLogName(keyFolder: string): Promise<string | undefined> {
  const names = await readdir(keyFolder).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return [];
    throw error;
  });
  const [file] = names.filter((name) => /^log\..+\.vk$/.test(name)).sort();
  if (file === undefined) return undefined;
  const [name] = (await readFile(join(keyFolder, file), 'utf8')).split('+');
  return name === '' ? undefined : name;
}
