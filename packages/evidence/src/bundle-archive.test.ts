import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asDigest, canonicalBytes, digestJson, type JsonObject } from '@provability-fabric/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { openBundleArchive } from './bundle-archive.ts';
import { crypto, temporaryFolders } from './testing/log-fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const bundle = (version: number, content: JsonObject = {}, name = 'mail'): JsonObject => {
  return { name, version, ...content };
};

async function newArchive() {
  const directory = join(await folders.make(), 'bundles');
  return { directory, archive: await openBundleArchive({ directory, crypto }) };
}

describe('a bundle archive', () => {
  it('refuses a lower version than was ever activated, also after a restart', async () => {
    const { directory, archive } = await newArchive();
    for (const version of [1, 2, 10]) await archive.activate(bundle(version));
    const again = await openBundleArchive({ directory, crypto });
    for (const current of [archive, again]) {
      expect(current.highestVersion('mail')).toBe(10);
      for (const version of [1, 2, 9]) {
        await expect(current.activate(bundle(version))).rejects.toMatchObject({
          code: 'BUNDLE_ROLLBACK',
          message: expect.stringContaining('version 11'),
        });
      }
    }
  });

  it('refuses the same version with other content', async () => {
    const { archive } = await newArchive();
    await archive.activate(bundle(3));
    await expect(archive.activate(bundle(3, { clauses: [] }))).rejects.toMatchObject({
      code: 'BUNDLE_ROLLBACK',
    });
  });

  it('counts versions of each name apart', async () => {
    const { archive } = await newArchive();
    await archive.activate(bundle(3));
    await archive.activate(bundle(1, {}, 'files'));
    expect([archive.highestVersion('mail'), archive.highestVersion('files')]).toEqual([3, 1]);
    expect(archive.highestVersion('none')).toBe(0);
  });

  it('takes the bundle in force again, and keeps one file of it', async () => {
    const { directory, archive } = await newArchive();
    const first = await archive.activate(bundle(1, { z: 1, a: 2 }));
    expect(await archive.activate({ a: 2, z: 1, version: 1, name: 'mail' })).toEqual(first);
    expect(first.digest).toBe(digestJson(crypto, bundle(1, { z: 1, a: 2 })));
    expect(await readdir(directory)).toEqual([`${first.digest}.json`]);
    expect(await archive.read(first.digest)).toEqual(bundle(1, { a: 2, z: 1 }));
  });

  it.each([
    ['changed', () => Buffer.from('{"name":"mail","version":9}')],
    ['emptied', () => Buffer.alloc(0)],
    ['reformatted', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('\n')])],
  ])('refuses a stored bundle that was %s, by name', async (_, change) => {
    const { directory, archive } = await newArchive();
    const { digest } = await archive.activate(bundle(1));
    const path = join(directory, `${digest}.json`);
    await writeFile(path, change(await readFile(path)));
    const named = { code: 'BUNDLE_MALFORMED', message: expect.stringContaining(path) };
    await expect(archive.read(digest)).rejects.toMatchObject(named);
    await expect(archive.activate(bundle(1))).rejects.toMatchObject(named);
    await expect(openBundleArchive({ directory, crypto })).rejects.toMatchObject(named);
  });

  it('refuses a file that has its digest but is no bundle', async () => {
    const directory = await folders.make();
    for (const content of [
      canonicalBytes([1]),
      canonicalBytes({ name: 'mail' }),
      Buffer.from('{"b":1,"a":2}'),
    ]) {
      const path = join(directory, `${Buffer.from(crypto.sha256(content)).toString('hex')}.json`);
      await writeFile(path, content);
      await expect(openBundleArchive({ directory, crypto })).rejects.toMatchObject({
        code: 'BUNDLE_MALFORMED',
      });
      await rm(path);
    }
  });

  it('says which bundle is missing', async () => {
    const { archive } = await newArchive();
    const digest = asDigest('0'.repeat(64));
    await expect(archive.read(digest)).rejects.toMatchObject({
      code: 'BUNDLE_MISSING',
      message: expect.stringContaining(digest),
    });
  });

  it.each([{}, { name: '', version: 1 }, { name: 'mail', version: 0 }, { name: 'mail', version: 1.5 }])(
    'refuses to activate %o',
    async (value) => {
      const { archive } = await newArchive();
      await expect(archive.activate(value)).rejects.toMatchObject({ code: 'BUNDLE_MALFORMED' });
    },
  );

  it('takes the same sources compiled by another compiler as the same version, and nothing else', async () => {
    const { archive } = await newArchive();
    const compiled = (compiler: string, source: string) => ({
      ...bundle(1),
      compiler,
      sources: { 'policy.cedar': source },
    });
    await archive.activate(compiled('1.0', 'a'));
    await archive.activate(compiled('1.1', 'a'));
    await expect(archive.activate(compiled('1.2', 'b'))).rejects.toMatchObject({ code: 'BUNDLE_ROLLBACK' });
    await expect(archive.activate({ ...compiled('1.1', 'a'), owner: 'x' })).rejects.toMatchObject({
      code: 'BUNDLE_ROLLBACK',
    });
  });

  it('forgets nothing that it could not store', async () => {
    const { directory, archive } = await newArchive();
    await archive.activate(bundle(1));
    await rm(directory, { recursive: true });
    await expect(archive.activate(bundle(2))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    expect(archive.highestVersion('mail')).toBe(1);
    await mkdir(directory);
    await archive.activate(bundle(2));
    expect(archive.highestVersion('mail')).toBe(2);
  });
});
