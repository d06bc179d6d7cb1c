import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  base64,
  openEnvelope,
  openNote,
  parseVerifierKey,
  sealEnvelope,
  signNote,
  utf8,
} from '@provability-fabric/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeCrypto } from '../node-crypto.ts';
import { temporaryFolders } from '../testing/log-fixture.ts';
import { openKeyRing, rotateKey } from './key-ring.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const crypto = nodeCrypto();
const origin = 'keys.example/log';
const open = (directory: string, create = false) => openKeyRing(directory, { origin, create });

async function madeFolder(): Promise<string> {
  const directory = join(await folders.make(), 'keys');
  await open(directory, true);
  return directory;
}

async function oneFile(directory: string, pattern: RegExp): Promise<string> {
  const names = (await readdir(directory)).filter((name) => pattern.test(name));
  expect(names).toHaveLength(1);
  return join(directory, names[0] as string);
}

describe('a key ring', () => {
  it.each([0o644, 0o640, 0o604, 0o620])('refuses a private key with mode %o, by name', async (mode) => {
    const directory = await madeFolder();
    const path = await oneFile(directory, /^evidence\..*\.sk$/);
    await chmod(path, mode);
    const error = await open(directory, true).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'KEY_PERMISSIONS' });
    expect(String(error)).toContain(path);
    expect(String(error)).toContain('chmod 600');
  });

  it('refuses a private key that a mounted link leads to, when others may read it', async () => {
    const directory = await madeFolder();
    const path = await oneFile(directory, /^log\..*\.sk$/);
    await rename(path, `${path}.mounted`);
    await symlink(`${path}.mounted`, path);
    await expect(open(directory)).resolves.toBeDefined();
    await chmod(`${path}.mounted`, 0o644);
    await expect(open(directory)).rejects.toMatchObject({ code: 'KEY_PERMISSIONS' });
  });

  it.each([
    ['nothing', () => ''],
    ['a verifier key', () => `${origin}+00000000+AQ==`],
    ['half of it', (text: string) => text.slice(0, -20)],
    ['another name in it', (text: string) => text.replace('keys.example', 'evil.example')],
    ['another hash in it', (text: string) => text.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    [
      'another algorithm',
      (text: string) => text.replace(/\+AQ?[A-Za-z0-9+/=]+$/, `+${base64(new Uint8Array(33))}`),
    ],
    ['a megabyte', () => 'x'.repeat(1 << 20)],
  ])('refuses a private key file with %s, and says none of it', async (_, change) => {
    const directory = await madeFolder();
    const path = await oneFile(directory, /^log\..*\.sk$/);
    const text = (await readFile(path, 'utf8')).trim();
    await writeFile(path, change(text));
    const error = await open(directory, true).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'KEY_MALFORMED', message: expect.stringContaining(path) });
    expect(String(error)).not.toContain(text.slice(-20, -2));
  });

  it('refuses weak public keys when they are registered', async () => {
    const directory = await madeFolder();
    for (const [id, bytes] of [
      ['zero', new Uint8Array(32)],
      ['identity', Uint8Array.from([1, ...new Array(31).fill(0)])],
      ['noncanonical', Uint8Array.from([0xee, ...new Array(30).fill(0xff), 0x7f])],
    ] as const) {
      const path = join(directory, `log.${id}.vk`);
      const input = Uint8Array.from([...utf8(origin), 0x0a, 0x01, ...bytes]);
      const keyHash = Buffer.from(crypto.sha256(input).subarray(0, 4)).toString('hex');
      await writeFile(path, `${origin}+${keyHash}+${base64(Uint8Array.from([1, ...bytes]))}\n`);
      await expect(open(directory)).rejects.toMatchObject({
        code: 'KEY_MALFORMED',
        message: expect.stringContaining(path),
      });
      await rm(path);
    }
  });

  it('refuses the keys of another log', async () => {
    const directory = await madeFolder();
    await expect(openKeyRing(directory, { origin: 'other.example/log', create: true })).rejects.toMatchObject(
      {
        code: 'KEY_MALFORMED',
      },
    );
  });

  it('refuses a verifier key that is not its private key', async () => {
    const directory = await madeFolder();
    const path = await oneFile(directory, /^token\..*\.vk$/);
    const others = await madeFolder();
    await writeFile(path, await readFile(await oneFile(others, /^token\..*\.vk$/)));
    await expect(open(directory)).rejects.toMatchObject({ code: 'KEY_MALFORMED' });
  });

  it('refuses to guess between two private keys', async () => {
    const directory = await madeFolder();
    await rotateKey(directory, 'log', { origin });
    await rm(join(directory, 'log.active'));
    await expect(open(directory, true)).rejects.toMatchObject({
      code: 'KEY_MALFORMED',
      message: expect.stringContaining('log.active'),
    });
  });

  it('does not replace an active private key that is missing', async () => {
    const directory = await madeFolder();
    const id = await rotateKey(directory, 'log', { origin });
    await rm(join(directory, `log.${id}.sk`));
    await expect(open(directory, true)).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  it('makes nothing unless asked, and says what is missing when it is asked for', async () => {
    const directory = join(await folders.make(), 'none');
    const ring = await open(directory);
    expect(() => ring.logSigner()).toThrow(expect.objectContaining({ code: 'KEY_MISSING' }));
    expect(ring.logVerifiers()).toEqual([]);
    await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('makes a key pair for each purpose, private ones for the owner only, and never overwrites one', async () => {
    const directory = await madeFolder();
    const names = await readdir(directory);
    expect(names.map((name) => name.replace(/\.[0-9a-f]{8}\./, '.<id>.')).sort()).toEqual(
      ['evidence', 'ledger', 'log', 'rotation', 'token'].flatMap((purpose) => [
        `${purpose}.<id>.sk`,
        `${purpose}.<id>.vk`,
      ]),
    );
    for (const name of names) {
      expect((await stat(join(directory, name))).mode & 0o777).toBe(name.endsWith('.sk') ? 0o600 : 0o644);
    }
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    const contents = () => Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
    const before = await contents();
    await open(directory, true);
    expect(await contents()).toEqual(before);
    expect(await readdir(directory)).toEqual(names);
  });

  it('writes verifier keys that a signed-note reader takes', async () => {
    const directory = await madeFolder();
    const text = (await readFile(await oneFile(directory, /^log\..*\.vk$/), 'utf8')).trim();
    const note = signNote('text\n', [(await open(directory)).logSigner()]);
    expect(openNote(crypto, note, [parseVerifierKey(crypto, text)]).text).toBe('text\n');
  });

  it('writes the verifier key again that a crash left out', async () => {
    const directory = await madeFolder();
    const path = await oneFile(directory, /^evidence\..*\.vk$/);
    const text = await readFile(path, 'utf8');
    await rm(path);
    expect((await open(directory)).evidenceKeys().size).toBe(1);
    await open(directory, true);
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('signs with a new key after rotation, and what the retired one signed still verifies', async () => {
    const directory = await madeFolder();
    const before = await open(directory);
    const oldNote = signNote('old\n', [before.logSigner()]);
    const oldEnvelope = sealEnvelope('type', utf8('old'), [before.evidenceSigner()]);
    await rotateKey(directory, 'log', { origin });
    await rotateKey(directory, 'evidence', { origin });
    for (const file of (await readdir(directory)).filter((name) => name.endsWith('.sk'))) {
      const [purpose = '', id] = file.split('.');
      const active = await readFile(join(directory, `${purpose}.active`), 'utf8').catch(() => `${id}\n`);
      if (active !== `${id}\n`) await rm(join(directory, file));
    }
    const after = await open(directory, true);
    expect(after.logSigner().keyHash).not.toBe(before.logSigner().keyHash);
    expect(openNote(crypto, oldNote, after.logVerifiers()).text).toBe('old\n');
    expect(openEnvelope(crypto, oldEnvelope, after.evidenceKeys()).keyid).toBe(before.evidenceSigner().keyid);
    const fresh = sealEnvelope('type', utf8('new'), [after.evidenceSigner()]);
    expect(openEnvelope(crypto, fresh, after.evidenceKeys()).keyid).toBe(after.evidenceSigner().keyid);
    expect(() => openEnvelope(crypto, fresh, before.evidenceKeys())).toThrow();
  });

  it('takes ids that people chose', async () => {
    const directory = await madeFolder();
    const path = await oneFile(directory, /^token\..*\.sk$/);
    const id = path.split('.').at(-2) as string;
    await rename(path, path.replace(id, 'spring-2026'));
    await rename(path.replace('.sk', '.vk'), path.replace(id, 'spring-2026').replace('.sk', '.vk'));
    const ring = await open(directory);
    expect(ring.tokenKey().kid).toBe('token.spring-2026');
    expect([...ring.tokenKeys().keys()]).toEqual(['token.spring-2026']);
    await mkdir(join(directory, 'unrelated'));
    await expect(open(directory)).resolves.toBeDefined();
  });
});
