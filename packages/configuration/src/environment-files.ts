import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type FabricFile, readFabricFile } from './fabric-file.ts';
import { readLiveFiles, STANDARD } from './live-files.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import type { LiveSettings } from './settings.ts';
import { readUpstreamsFile, type UpstreamsFile } from './upstreams-file.ts';
import { unknownKey } from './yaml-file.ts';

const MEMBERS = ['fabric.yaml', 'policy-config', 'upstreams.yaml'];

/** What the files of an environment say, before defaults. */
export interface EnvironmentFiles {
  /** `config/<env>`. */
  readonly folder: string;
  readonly fabric: FabricFile;
  readonly live: { readonly settings: LiveSettings; readonly named: ReadonlySet<string> };
  readonly upstreams: UpstreamsFile;
}

/** The names in `config/<env>`; the name of the environment becomes part of a path, so it is checked before that is opened. */
export async function namesInEnvironment(
  root: string,
  environment: string,
): Promise<
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const refused = (file: string, message: string) =>
    ({ ok: false, problems: [whole(file, message)] }) as const;
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(environment)) {
    const came = `\`${environment.slice(0, 80)}\``;
    return refused(
      'config',
      `expected an environment name of lowercase letters, digits and \`-\`, came ${came}`,
    );
  }
  const folder = `config/${environment}`;
  const names = await readdir(join(root, folder)).catch((error: NodeJS.ErrnoException) => error);
  if (names instanceof Error) return refused(folder, await noSuchEnvironment(root, environment, names));
  return { ok: true, names };
}

/** Reads all of `config/<env>` below `root`, or says everything that is wrong with it. */
export async function readEnvironmentFiles(
  root: string,
  environment: string,
): Promise<
  | { readonly ok: true; readonly files: EnvironmentFiles }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const found = await namesInEnvironment(root, environment);
  if (!found.ok) return found;
  const { names } = found;
  const folder = `config/${environment}`;
  const strangers = names
    .filter((name) => !name.startsWith('.') && !MEMBERS.includes(name))
    .map((name) => whole(`${folder}/${name}`, unknownKey(name, MEMBERS)));
  const fabric = await readFabricFile(join(root, folder, 'fabric.yaml'), `${folder}/fabric.yaml`);
  const live = await readLiveFiles(join(root, folder, 'policy-config'), `${folder}/policy-config`, STANDARD);
  const upstreams = await readUpstreamsFile(join(root, folder, 'upstreams.yaml'), `${folder}/upstreams.yaml`);
  const problems = [...strangers, ...fabric.problems, ...live.problems, ...upstreams.problems];
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, files: { folder, fabric, live, upstreams } };
}

function whole(file: string, message: string): Problem {
  return { file, line: null, column: null, message };
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
