import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { field, parseJsonBytes } from '@provability-fabric/kernel';

export interface ActivatedBundle {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

/** The bundle that came into force last. Versions only go up, so the newest file of the archive is it. */
export async function activatedBundle(dataFolder: string): Promise<ActivatedBundle | null> {
  const folder = join(dataFolder, 'bundles');
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
  let newest: { readonly name: string; readonly at: number } | undefined;
  for (const name of names) {
    const { mtimeMs: at } = await stat(join(folder, name));
    if (newest === undefined || at > newest.at) newest = { name, at };
  }
  if (newest === undefined) return null;
  const bundle = parseJsonBytes(await readFile(join(folder, newest.name)));
  const digest = newest.name.slice(0, -'.json'.length);
  return { name: String(field(bundle, 'name')), version: Number(field(bundle, 'version')), digest };
}
