import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@provability-fabric/command-line';
import { readLogName } from '@provability-fabric/evidence';
import type { Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

/** A folder that a fabric has used: the log's name is in its keys. */
export interface DataFolder {
  readonly path: string;
  /** As it was typed, or as the environment says. */
  readonly shown: string;
  readonly keys: string;
  readonly origin: string;
}

/** undefined where no fabric has ever used the folder. */
export async function findDataFolder(shell: Shell, { env, data }: Place): Promise<DataFolder | undefined> {
  const shown = data ?? (await shell.settings(env)).dataDirectory;
  const path = shell.path(shown);
  const keys = join(path, 'keys');
  const origin = await readLogName(keys);
  return origin === undefined ? undefined : { path, shown, keys, origin };
}

export async function requireDataFolder(shell: Shell, place: Place): Promise<DataFolder> {
  const found = await findDataFolder(shell, place);
  if (found !== undefined && existsSync(join(found.path, 'log', 'checkpoint'))) return found;
  const where = place.data ?? `the data folder of config/${place.env}`;
  throw new CommandError(
    'CANNOT_CHECK',
    `expected an evidence log in ${where}, came none; start the fabric, or name its folder with --data`,
  );
}
