import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Key } from './key.ts';
import { LIVE_KEYS } from './live-keys.ts';
import type { Problem } from './problem.ts';
import type { LiveSettings } from './settings.ts';
import { readSmallFile } from './small-file.ts';
import type { Parsed } from './values.ts';
import { unknownKey } from './yaml-file.ts';

const LIMIT = 1024;

export const STANDARD: LiveSettings = {
  enforcementMode: 'enforce',
  defaultMode: null,
  logLevel: 'info',
  performanceMode: false,
  cacheSize: 10_000,
  batchSize: 1000,
  asyncProcessing: true,
};

/** Which key file each setting is. */
export const LIVE_MEMBERS: {
  readonly [Member in keyof LiveSettings]: Key<NonNullable<LiveSettings[Member]>>;
} = {
  enforcementMode: LIVE_KEYS.enforcement_mode,
  defaultMode: LIVE_KEYS.default_mode,
  logLevel: LIVE_KEYS.log_level,
  performanceMode: LIVE_KEYS.performance_mode,
  cacheSize: LIVE_KEYS.cache_size,
  batchSize: LIVE_KEYS.batch_size,
  asyncProcessing: LIVE_KEYS.async_processing,
};

/** `undefined`: there is no such file, and the default holds. */
export type LiveFile = Parsed<string | number | boolean | undefined>;

/**
 * Reads the folder of key files, which is what a mounted ConfigMap is: each key is a file, often a link into `..data`.
 * A key whose file is bad keeps the value it had in `last`; one without a file has its default.
 */
export async function readLiveFiles(
  directory: string,
  shownDirectory: string,
  last: LiveSettings,
): Promise<{
  readonly settings: LiveSettings;
  /** The keys that have a file. */
  readonly named: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}> {
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
  const named = new Set<string>();
  const settings: Record<string, unknown> = {};
  for (const member of Object.keys(LIVE_MEMBERS) as (keyof LiveSettings)[]) {
    const { key } = LIVE_MEMBERS[member];
    const read = await readLiveFile(directory, key as keyof typeof LIVE_KEYS);
    if (read.ok && read.value === undefined) {
      settings[member] = STANDARD[member];
      continue;
    }
    named.add(key);
    settings[member] = read.ok ? read.value : last[member];
    if (!read.ok) problem(key, read.problem);
  }
  return { settings: settings as unknown as LiveSettings, named, problems };
}

/** One key file by itself. */
export async function readLiveFile(directory: string, key: keyof typeof LIVE_KEYS): Promise<LiveFile> {
  const read = await readSmallFile(join(directory, key), LIMIT);
  if (!read.ok) return read;
  return read.text === undefined ? { ok: true, value: undefined } : LIVE_KEYS[key].parse(read.text.trim());
}

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
