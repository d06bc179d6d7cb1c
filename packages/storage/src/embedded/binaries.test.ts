import { lstat, mkdir, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { findBinaries } from './binaries.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** An install whose postinstall script did not run. */
async function installed(links: readonly { source: string; target: string }[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pf-binaries-'));
  folders.push(folder);
  const native = join(folder, 'package', 'native');
  await mkdir(join(native, 'lib'), { recursive: true });
  await mkdir(join(native, 'bin'));
  for (const name of ['bin/postgres', 'bin/initdb', 'lib/libpq.so.5.18'])
    await writeFile(join(native, name), name);
  await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links));
  return native;
}

const LIBPQ = { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' };

it('adds the links between the libraries that the package could not make itself, once', async () => {
  const native = await installed([LIBPQ]);
  for (let time = 0; time < 2; time++) {
    expect(await findBinaries('/nowhere', native)).toEqual({
      postgres: join(native, 'bin', 'postgres'),
      initdb: join(native, 'bin', 'initdb'),
    });
    expect(await readlink(join(native, 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18');
  }
});

it('makes no link outside the package, whatever its list says', async () => {
  const native = await installed([
    { source: 'native/lib/libpq.so.5.18', target: 'native/../../escaped' },
    { source: 'native/lib/libpq.so.5.18', target: '../escaped' },
    { source: 'native/lib/libpq.so.5.18', target: '/tmp/pf-escaped' },
  ]);
  await findBinaries('/nowhere', native);
  for (const path of [join(native, '../../escaped'), join(native, '../escaped'), '/tmp/pf-escaped']) {
    await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  }
});

it('finds the binaries of this machine', async () => {
  const { postgres, initdb } = await findBinaries('/nowhere');
  for (const path of [postgres, initdb]) expect((await lstat(path)).mode & 0o111).not.toBe(0);
});
