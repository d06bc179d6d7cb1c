import { join } from 'node:path';
import { namesInEnvironment } from './environment-files.ts';
import type { Key } from './key.ts';
import { KEYS } from './keys.ts';
import { readLiveFile } from './live-files.ts';
import { LIVE_KEYS } from './live-keys.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';

export type LiveKey = keyof typeof LIVE_KEYS;

/** Where an environment's key files are. The environment must be there, but what is in it may be broken: this is to mend it. */
export async function findLiveDirectory(
  root: string,
  environment: string,
): Promise<
  | { readonly ok: true; readonly directory: string }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const found = await namesInEnvironment(root, environment);
  return found.ok ? { ok: true, directory: join(root, 'config', environment, 'policy-config') } : found;
}

/** What comes of the wish to write a value into a live key's file. */
export type LiveChange =
  | { readonly ok: true; readonly key: LiveKey; readonly value: string }
  | { readonly ok: false; readonly problem: string };

/** Checks a key and a value before anything is written. */
export function checkLiveChange(name: string, text: string): LiveChange {
  const refused = (problem: string): LiveChange => ({ ok: false, problem });
  if (!Object.hasOwn(LIVE_KEYS, name)) return refused(notLive(name));
  const key = name as LiveKey;
  const parsed = LIVE_KEYS[key].parse(text.trim());
  if (!parsed.ok) return refused(`\`${key}\`: ${parsed.problem}`);
  return { ok: true, key, value: (LIVE_KEYS[key] as Key<unknown>).show(parsed.value) };
}

/** What holds for a live key now: its file's value, its default (null where it has none), or a file that is refused. */
export type LiveValue =
  | { readonly from: 'file'; readonly value: string }
  | { readonly from: 'default'; readonly value: string | null }
  | { readonly from: 'bad-file'; readonly problem: string };

export async function readLiveValue(liveDirectory: string, name: LiveKey): Promise<LiveValue> {
  const key: Key<unknown> = LIVE_KEYS[name];
  const read = await readLiveFile(liveDirectory, name);
  if (!read.ok) return { from: 'bad-file', problem: read.problem };
  if (read.value === undefined) return { from: 'default', value: key.standard };
  return { from: 'file', value: key.show(read.value) };
}

function notLive(name: string): string {
  const where = KEYS.find(({ key }) => key === name)?.where;
  const all = Object.keys(LIVE_KEYS);
  if (where !== undefined) {
    return (
      `expected a live key, came \`${name}\`, which is a member of ${where}: write it there and restart the fabric; ` +
      `the live keys are ${all.join(', ')}`
    );
  }
  const meant = nearest(name, all);
  const mend = meant === undefined ? `the live keys are ${all.join(', ')}` : `did you mean \`${meant}\`?`;
  return `unknown key \`${name.slice(0, 80)}\`; ${mend}`;
}
