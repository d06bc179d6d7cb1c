import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBundleFolder } from './read-folder.ts';
import { sourcesWith } from './sources.fixture.ts';

describe('reading a bundle folder', () => {
  let parent: string;
  let folder: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'bundle-'));
    folder = join(parent, 'desk');
    await mkdir(join(folder, 'tests'), { recursive: true });
    for (const [path, text] of sourcesWith().files) await writeFile(join(folder, path), text);
  });
  afterEach(() => rm(parent, { recursive: true }));

  it('refuses a link that leads out of the folder', async () => {
    await writeFile(join(parent, 'secret'), 'name: x');
    await rm(join(folder, 'bundle.yaml'));
    await symlink('../secret', join(folder, 'bundle.yaml'));
    await expect(readBundleFolder(folder)).rejects.toMatchObject({ code: 'FILE_OUTSIDE' });
  });

  it('refuses a folder of tests that lies elsewhere', async () => {
    await rm(join(folder, 'tests'), { recursive: true });
    await mkdir(join(parent, 'desk-tests'));
    await symlink('../desk-tests', join(folder, 'tests'));
    await expect(readBundleFolder(folder)).rejects.toMatchObject({ code: 'FILE_OUTSIDE' });
  });

  it('follows links within the folder, as a mounted ConfigMap has them', async () => {
    const mounted = join(parent, 'mounted');
    await mkdir(join(mounted, '..2026'), { recursive: true });
    await symlink('..2026', join(mounted, '..data'));
    for (const path of ['bundle.yaml', 'policy.cedar']) {
      await writeFile(join(mounted, '..2026', path), sourcesWith().files.get(path) ?? '');
      await symlink(`..data/${path}`, join(mounted, path));
    }
    expect([...(await readBundleFolder(mounted)).files.keys()]).toEqual(['bundle.yaml', 'policy.cedar']);
  });

  it('names a required file that is missing', async () => {
    await rm(join(folder, 'policy.cedar'));
    await expect(readBundleFolder(folder)).rejects.toThrow(/expected a file `policy.cedar`/);
  });

  it('stops reading a file that is too large', async () => {
    await writeFile(join(folder, 'policy.cedar'), '/'.repeat(1_000_001));
    await expect(readBundleFolder(folder)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  it('refuses what is not a file instead of waiting for it', async () => {
    await rm(join(folder, 'schema.cedarschema'));
    execFileSync('/usr/bin/env', ['mkfifo', join(folder, 'schema.cedarschema')]);
    await expect(readBundleFolder(folder)).rejects.toMatchObject({ code: 'FILE_UNEXPECTED' });
  });

  it('refuses a test file that would never run', async () => {
    await writeFile(join(folder, 'tests', 'more.yml'), '[]');
    await expect(readBundleFolder(folder)).rejects.toThrow(/`more.yml`/);
  });

  it('refuses bytes that are not UTF-8', async () => {
    await writeFile(join(folder, 'policy.cedar'), new Uint8Array([0x2f, 0x2f, 0xff]));
    await expect(readBundleFolder(folder)).rejects.toMatchObject({ code: 'FILE_NOT_TEXT' });
  });

  it('refuses a folder that is none', async () => {
    await expect(readBundleFolder(join(folder, 'bundle.yaml'))).rejects.toMatchObject({
      code: 'FOLDER_UNREADABLE',
    });
    await expect(readBundleFolder(join(folder, 'gone'))).rejects.toMatchObject({ code: 'FOLDER_UNREADABLE' });
  });

  it('reads the sources and nothing else', async () => {
    await writeFile(join(folder, 'README.md'), 'about');
    await writeFile(join(folder, 'tests', '.more.yaml.swp'), 'x');
    const { files } = await readBundleFolder(folder);
    expect(files).toEqual(sourcesWith().files);
  });
});
