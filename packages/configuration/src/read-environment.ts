import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type FabricValues, readFabricFile, unknownKey } from './fabric-file.ts';
import { readLiveFiles, STANDARD } from './live-files.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import type { LiveSettings, Settings } from './settings.ts';

const MEMBERS = ['fabric.yaml', 'policy-config'];

/**
 * The settings of `config/<env>` under `root`, checked as a whole: one bad value and none of them is used. Relative paths
 * start at `root`.
 */
export async function readEnvironment(
  root: string,
  environment: string,
): Promise<
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const folder = `config/${environment}`;
  const whole = (file: string, message: string): Problem => ({ file, line: null, column: null, message });
  // The name becomes part of a path, so it is checked before anything is opened.
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(environment)) {
    const message = `expected an environment name of lowercase letters, digits and \`-\`, came \`${environment.slice(0, 80)}\``;
    return { ok: false, problems: [whole('config', message)] };
  }
  const names = await readdir(join(root, folder)).catch((error: NodeJS.ErrnoException) => error);
  if (names instanceof Error)
    return { ok: false, problems: [whole(folder, await noSuchEnvironment(root, environment, names))] };

  const strangers = names
    .filter((name) => !name.startsWith('.') && !MEMBERS.includes(name))
    .map((name) => whole(`${folder}/${name}`, unknownKey(name, MEMBERS)));
  const fabric = await readFabricFile(join(root, folder, 'fabric.yaml'), `${folder}/fabric.yaml`);
  const live = await readLiveFiles(join(root, folder, 'policy-config'), `${folder}/policy-config`, STANDARD);
  const problems = [...strangers, ...fabric.problems, ...live.problems];
  if (problems.length > 0) return { ok: false, problems };

  return { ok: true, settings: settingsFrom(root, environment, fabric.values, live.settings) };
}

/** What holds where nothing is configured: the default of every key. */
export function defaultSettings(root: string, environment: string): Settings {
  return settingsFrom(root, environment, {}, STANDARD);
}

function settingsFrom(root: string, environment: string, values: FabricValues, live: LiveSettings): Settings {
  return {
    environment,
    dataDirectory: resolve(root, values.data_dir ?? `.pf/${environment}`),
    bundleDirectory: values.bundle === undefined ? null : resolve(root, values.bundle),
    listen: values.listen ?? { host: '127.0.0.1', port: 8080 },
    origin: values.origin ?? `provability-fabric.local/${environment}`,
    sessionIdleMs: values.session_idle ?? 30 * 60_000,
    epoch: values.epoch ?? 1,
    upstreamTimeoutMs: values.upstream_timeout ?? 30_000,
    liveDirectory: join(root, 'config', environment, 'policy-config'),
    live,
  };
}

/**
 * Reads the live keys anew after a change. A bad value is reported and the last good one stays (CONTRACTS §7); the other
 * keys are applied.
 */
export async function readLiveSettings(
  liveDirectory: string,
  last: LiveSettings,
): Promise<{ readonly settings: LiveSettings; readonly problems: readonly Problem[] }> {
  return readLiveFiles(liveDirectory, 'policy-config', last);
}

async function noSuchEnvironment(
  root: string,
  environment: string,
  error: NodeJS.ErrnoException,
): Promise<string> {
  if (error.code !== 'ENOENT') return `expected a folder, came ${error.code ?? String(error)}`;
  const known = await readdir(join(root, 'config')).catch(() => []);
  const names = known.filter((name) => !name.startsWith('.')).sort();
  if (names.length === 0)
    return `no such environment under \`${root}\`; run this from the folder that holds config/`;
  const meant = nearest(environment, names);
  const mend = meant === undefined ? `there are ${names.join(', ')}` : `did you mean \`${meant}\`?`;
  return `no such environment; ${mend}`;
}
