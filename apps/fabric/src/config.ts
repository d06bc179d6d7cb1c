import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import {
  defaultSettings,
  formatProblem,
  readEnvironment,
  type Settings,
} from '@provability-fabric/configuration';
import { FabricError } from './errors.ts';

/** The only file that reads the process's environment. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** Where `pf run` keeps its data unless told: XDG base directories, one folder per bundle. */
export function defaultDataFolder(bundleName: string): string {
  const state = process.env.XDG_STATE_HOME;
  const base = state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local', 'state');
  return join(base, 'provability-fabric', bundleName);
}

/** Settings of `config/<env>/` below the working directory. Without `--env`, a missing folder means the defaults. */
export async function settingsFor(env: string | undefined): Promise<Settings> {
  const name = env ?? 'local';
  const root = resolve('.');
  if (env === undefined && !existsSync(join(root, 'config', name))) return defaultSettings(root, name);
  const read = await readEnvironment(root, name);
  if (read.ok) return read.settings;
  const problems = read.problems.map(formatProblem).join('\n');
  throw new FabricError(
    'CONFIG_INVALID',
    `config/${name} is not valid, so nothing was started:\n${problems}`,
  );
}
