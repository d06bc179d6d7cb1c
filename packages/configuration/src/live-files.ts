import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unknownKey } from './fabric-file.ts';
import { LIVE_KEYS } from './keys.ts';
import type { Problem } from './problem.ts';
import type { LiveSettings } from './settings.ts';
import { readSmallFile } from './small-file.ts';
import type { Parsed } from './values.ts';

const LIMIT = 1024;

/**
 * Reads the folder of key files, which is what a mounted ConfigMap is: each key is a file, often a link into `..data`.
 * A key whose file is bad keeps the value it had in `last`; one without a file has its default.
 */
export async function readLiveFiles(
  directory: string,
  shownDirectory: string,
  last: LiveSettings,
): Promise<{ readonly settings: LiveSettings; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  const problem = (file: string, message: string) =>
    problems.push({
      file: file === '' ? shownDirectory : `${shownDirectory}/${file}`,
      line: null,
      column: null,
      message,
    });

  for (const name of await namesIn(directory, (message) => problem('', message))) {
    if (!Object.hasOwn(LIVE_KEYS, name)) problem(name, unknownKey(name, Object.keys(LIVE_KEYS)));
  }
  const value = async <Value>(
    key: { key: string; parse(text: unknown): Parsed<Value> },
    standard: Value,
    kept: Value,
  ) => {
    const read = await readSmallFile(join(directory, key.key), LIMIT);
    if (read.ok && read.text === undefined) return standard;
    const parsed = read.ok ? key.parse((read.text as string).trim()) : read;
    if (parsed.ok) return parsed.value as Value;
    problem(key.key, parsed.problem);
    return kept;
  };
  const settings: LiveSettings = {
    enforcementMode: await value<LiveSettings['enforcementMode']>(
      LIVE_KEYS.enforcement_mode,
      STANDARD.enforcementMode,
      last.enforcementMode,
    ),
    defaultMode: await value<LiveSettings['defaultMode']>(
      LIVE_KEYS.default_mode,
      STANDARD.defaultMode,
      last.defaultMode,
    ),
    logLevel: await value<LiveSettings['logLevel']>(LIVE_KEYS.log_level, STANDARD.logLevel, last.logLevel),
  };
  return { settings, problems };
}

export const STANDARD: LiveSettings = { enforcementMode: 'enforce', defaultMode: null, logLevel: 'info' };

/** Hidden names are none of ours: a ConfigMap's `..data`, an editor's swap file. */
async function namesIn(directory: string, problem: (message: string) => void): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT') problem(`expected a folder of key files, came ${code ?? String(error)}`);
    return [];
  }
}
