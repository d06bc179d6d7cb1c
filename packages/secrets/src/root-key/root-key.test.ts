import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemorySecretRows, placeOf } from '@provability-fabric/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixedSource, openProcess } from '../embedded/embedded.fixture.ts';
import { createEmbeddedProvider } from '../embedded/embedded-provider.ts';
import { rootKeyFromFile } from './file-source.ts';
import { rootKeyFromKms } from './kms-source.ts';
import { rootKeyFromPassphrase } from './passphrase-source.ts';
import { FakeKms } from './root-key.fixture.ts';
import type { RootKeySource } from './root-key-source.ts';
import { RootKeys } from './root-keys.ts';

const SEALED = expect.objectContaining({ code: 'SECRETS_SEALED' });
const BY = { author: 'alice' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pf-root-key-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(content: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(folder, randomBytes(6).toString('hex'));
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

const opened = (rows: MemorySecretRows, source: RootKeySource) =>
  new RootKeys({ rows, random: randomBytes }).unseal(source);

describe('a root key in a file', () => {
  it.each([0o644, 0o640, 0o604, 0o620, 0o660, 0o601])(
    'is refused where others may reach it: mode %o',
    async (mode) => {
      const path = await fileWith(randomBytes(32), mode);
      await expect(opened(new MemorySecretRows(), rootKeyFromFile(path))).rejects.toThrow(/owner's alone/);
    },
  );

  it.each([
    ['too short', randomBytes(31)],
    ['too long', randomBytes(33)],
    ['empty', ''],
    ['zeros', new Uint8Array(32)],
    ['a passphrase of 44 characters, which no base64 is', `${'correct horse '.repeat(3)}zz`],
    ['huge', randomBytes(100_000)],
  ])('is refused when %s', async (_, content) => {
    const rows = new MemorySecretRows();
    await expect(opened(rows, rootKeyFromFile(await fileWith(content)))).rejects.toEqual(SEALED);
    expect(rows.roots).toEqual([]);
  });

  it('is refused where there is no file, and the message names the path', async () => {
    const missing = join(folder, 'missing');
    await expect(opened(new MemorySecretRows(), rootKeyFromFile(missing))).rejects.toMatchObject({
      code: 'SECRETS_SEALED',
      message: expect.stringContaining(missing),
    });
    await expect(opened(new MemorySecretRows(), rootKeyFromFile(folder))).rejects.toEqual(SEALED);
  });

  it('is the same raw, as base64, with a line end, and behind the link that a mounted secret is', async () => {
    const bytes = randomBytes(32);
    const rows = new MemorySecretRows();
    const raw = await fileWith(bytes, 0o400);
    const link = join(folder, 'link');
    await symlink(raw, link);
    const base64 = await fileWith(`${bytes.toString('base64')}\n`);
    const ids = new Set<string>();
    for (const path of [raw, link, base64]) ids.add((await opened(rows, rootKeyFromFile(path))).id);
    expect(ids.size).toBe(1);
    expect(rows.roots).toHaveLength(1);
  });
});

describe('a root key from a passphrase', () => {
  const source = (text: string, costLog2?: number) =>
    rootKeyFromPassphrase(async () => Buffer.from(text), costLog2 === undefined ? {} : { costLog2 });

  it('opens with the same passphrase and no other', async () => {
    const rows = new MemorySecretRows();
    const { id } = await opened(rows, source('correct horse battery'));
    expect((await opened(rows, source('correct horse battery\n'))).id).toBe(id);
    const wrong = opened(rows, source('correct horse batterz'));
    await expect(wrong).rejects.toMatchObject({
      code: 'SECRETS_SEALED',
      message: expect.stringContaining(id),
    });
    await expect(wrong).rejects.not.toThrow(/horse/);
  });

  it('is refused when short, and when the cost on record was lowered', async () => {
    await expect(opened(new MemorySecretRows(), source('short'))).rejects.toEqual(SEALED);
    await expect(opened(new MemorySecretRows(), source('correct horse battery', 16))).rejects.toEqual(SEALED);
    const rows = new MemorySecretRows();
    await opened(rows, source('correct horse battery'));
    const [row] = rows.roots;
    if (row !== undefined) row.parameters[1] = 10;
    await expect(opened(rows, source('correct horse battery'))).rejects.toEqual(SEALED);
  });
});

describe('a root key from a key management', () => {
  it('is kept wrapped, and asked for at each start', async () => {
    const [rows, kms] = [new MemorySecretRows(), new FakeKms()];
    const { id } = await opened(rows, rootKeyFromKms(kms));
    expect((await opened(rows, rootKeyFromKms(kms))).id).toBe(id);
    kms.down = true;
    await expect(opened(rows, rootKeyFromKms(kms))).rejects.toEqual(SEALED);
    await expect(opened(rows, rootKeyFromKms(new FakeKms()))).rejects.toEqual(SEALED);
  });
});

describe('a store without its root key', () => {
  it('answers SECRETS_SEALED to everything, and opens without a restart', async () => {
    const rows = new MemorySecretRows();
    const place = placeOf();
    await (await openProcess(rows)).provider.write(place, { v: '1' }, BY);
    const rootKeys = new RootKeys({ rows, random: randomBytes });
    const provider = createEmbeddedProvider({ rows, rootKeys, clock: Date.now, random: randomBytes });
    const asked = [
      () => provider.read(place),
      () => provider.write(place, { v: '2' }, BY),
      () => provider.describe(place),
      () => provider.list(place.tenant, { prefix: '', limit: 10 }),
      () => provider.changeMetadata(place, {}),
      () => provider.deleteVersions(place, [1]),
      () => provider.destroy(place, [1]),
      () => provider.remove(place),
      () => provider.stage(place, { token: 't', value: { v: '2' } }),
      () => provider.staged(place),
      () => provider.eraseTenant(place.tenant),
      () => provider.rekeyTenant(place.tenant),
    ];
    for (const ask of asked) await expect(ask()).rejects.toEqual(SEALED);
    expect(await provider.health()).toEqual([expect.stringContaining('sealed')]);
    await rootKeys.unseal(fixedSource());
    expect((await provider.read(place)).value).toEqual({ v: '1' });
    rootKeys.seal();
    for (const ask of asked) await expect(ask()).rejects.toEqual(SEALED);
  });

  it('refuses a wrong root key by its id, and neither opens nor writes anything under it', async () => {
    const rows = new MemorySecretRows();
    const place = placeOf();
    const { rootKeys } = await openProcess(rows);
    const before = structuredClone([rows.roots, [...rows.tenantsByName]]);
    await expect(openProcess(rows, fixedSource(8))).rejects.toMatchObject({
      code: 'SECRETS_SEALED',
      message: expect.stringContaining(rootKeys.newest().id),
    });
    expect([rows.roots, [...rows.tenantsByName]]).toEqual(before);
    expect((await (await openProcess(rows)).provider.write(place, { v: '1' }, BY)).version).toBe(1);
  });

  it('does not take another key for the first one when the record of the root key is gone', async () => {
    const rows = new MemorySecretRows();
    await (await openProcess(rows)).provider.write(placeOf(), { v: '1' }, BY);
    rows.roots.length = 0;
    await expect(openProcess(rows, fixedSource(8))).rejects.toMatchObject({ code: 'PROVIDER_INCONSISTENT' });
    expect(rows.roots).toEqual([]);
  });

  it('is opened by one key alone when two begin at once', async () => {
    const rows = new MemorySecretRows();
    const results = await Promise.allSettled([opened(rows, fixedSource(1)), opened(rows, fixedSource(2))]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(rows.roots).toHaveLength(1);
    await Promise.all([opened(rows, fixedSource(1)), opened(rows, fixedSource(1))]);
  });
});
