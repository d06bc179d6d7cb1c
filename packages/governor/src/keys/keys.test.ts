import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { base64, fromBase64, utf8 } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { fileSigner } from './file-signer.ts';
import { generateKey } from './generate-key.ts';
import { importKey } from './import-key.ts';
import { listKeys, openKeyRing, ringPath } from './key-ring.ts';
import { folderWithKey, keyFolder, making, NOW, randomPublicKey, signs, textOf } from './keys.fixture.ts';
import { retireKey } from './retire-key.ts';
import { rotateKey } from './rotate-key.ts';
import { watchKeyRing } from './watch-key-ring.ts';

const human = { keyId: 'default', role: 'human' } as const;
const code = (code: string) => expect.objectContaining({ code });

describe('key ids', () => {
  it.each(['', '.', '..', '../default', 'a/b', 'a.b', '-x', '_x', 'a b', 'a\0', 'é', 'x'.repeat(64)])(
    '%j is none',
    async (keyId) => {
      const folder = await keyFolder();
      await expect(generateKey(folder, { keyId, role: 'human' }, making())).rejects.toEqual(
        code('KEY_INVALID'),
      );
      await expect(importKey(folder, { keyId, role: 'human', text: 'AA==' }, making())).rejects.toEqual(
        code('KEY_INVALID'),
      );
      await expect(rotateKey(folder, keyId, making())).rejects.toEqual(code('KEY_UNKNOWN'));
      await expect(fileSigner(folder, keyId)).rejects.toEqual(code('KEY_UNKNOWN'));
    },
  );
});

describe('what lies in a folder', () => {
  it('is no key of the ring because it is there', async () => {
    const folder = await keyFolder();
    const other = await folderWithKey();
    await mkdir(folder);
    await writeFile(join(folder, 'ed25519.default.vk'), await textOf(other.folder, 'ed25519.default.vk'));
    expect((await openKeyRing(folder)).keys).toEqual([]);
    await expect(generateKey(folder, human, making())).rejects.toEqual(code('KEY_EXISTS'));
  });

  it.each(['ed25519.default.sk', 'ed25519.default.vk', 'ring.json'])(
    'is not overwritten by another key: %s',
    async (name) => {
      const { folder, maker } = await folderWithKey();
      const before = await textOf(folder, name);
      await expect(generateKey(folder, human, maker)).rejects.toEqual(code('KEY_EXISTS'));
      const importing = { ...human, text: base64(randomPublicKey()) };
      await expect(importKey(folder, importing, maker)).rejects.toEqual(code('KEY_EXISTS'));
      expect(await textOf(folder, name)).toBe(before);
    },
  );

  it('is taken up where an earlier attempt ended before the ring', async () => {
    const { folder } = await folderWithKey();
    const [secret, again] = [await textOf(folder, 'ed25519.default.sk'), await keyFolder()];
    await mkdir(again);
    await writeFile(join(again, 'ed25519.default.sk'), secret, { mode: 0o600 });
    await generateKey(again, human, making('other'));
    expect(await textOf(again, 'ed25519.default.sk')).toBe(secret);
    expect(await textOf(again, 'ed25519.default.vk')).toBe(await textOf(folder, 'ed25519.default.vk'));
    expect(await signs(again, 'default')).toBe('default');
  });

  it('is not written through a link', async () => {
    const folder = await keyFolder();
    await mkdir(folder);
    const outside = join(folder, '..', 'outside');
    await symlink(outside, join(folder, 'ed25519.default.sk'));
    await expect(generateKey(folder, human, making())).rejects.toEqual(code('KEY_EXISTS'));
    await expect(stat(outside)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a private key', () => {
  it.each([0o640, 0o604, 0o620, 0o602])('that others have by mode %o is refused', async (mode) => {
    const { folder } = await folderWithKey();
    const path = join(folder, 'ed25519.default.sk');
    await chmod(path, mode);
    const error = await fileSigner(folder, 'default').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'KEY_INVALID', message: expect.stringContaining(path) });
    await chmod(path, 0o400);
    expect(await signs(folder, 'default')).toBe('default');
  });

  it.each([
    ['nothing', ''],
    ['half a seed', base64(new Uint8Array(16))],
    ['another encoding', 'f'.repeat(64)],
    ['a megabyte', 'x'.repeat(1 << 20)],
    ['another key', base64(Uint8Array.from({ length: 32 }, (_, at) => at))],
  ])('of %s is refused, and nothing of it is said', async (_, content) => {
    const { folder } = await folderWithKey();
    await writeFile(join(folder, 'ed25519.default.sk'), content);
    const error = await fileSigner(folder, 'default').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'KEY_INVALID' });
    if (content !== '') expect(String(error)).not.toContain(content.slice(0, 8));
  });

  it('that is gone is named', async () => {
    const folder = await keyFolder();
    await importKey(folder, { keyId: 'ann', role: 'human', text: base64(randomPublicKey()) }, making());
    await expect(fileSigner(folder, 'ann')).rejects.toEqual(code('KEY_UNKNOWN'));
    await expect(fileSigner(folder, 'bob')).rejects.toEqual(code('KEY_UNKNOWN'));
  });
});

describe('a ring', () => {
  it.each<readonly [string, (ring: string) => string]>([
    ['half of it', (ring) => ring.slice(0, -20)],
    ['a member that it does not know', (ring) => ring.replace('"version"', '"admin": true, "version"')],
    ['a role that there is not', (ring) => ring.replace('"human"', '"root"')],
    ['two members of one name', (ring) => ring.replace('"role"', '"role": "agent", "role"')],
    ['an id that is a path', (ring) => ring.replace('"default"', '"../x"')],
    [
      'a key of low order',
      (ring) => ring.replace(/"public_key": "[^"]+"/, `"public_key": "${base64(new Uint8Array(32))}"`),
    ],
    ['a key that is none', (ring) => ring.replace(/"public_key": "[^"]+"/, '"public_key": "AAAA"')],
    ['another version', (ring) => ring.replace('"version": 1', '"version": 2')],
    ['nothing', () => ''],
    ['two megabytes', () => 'x'.repeat(2 << 20)],
  ])('with %s is refused whole', async (_, change) => {
    const { folder, maker } = await folderWithKey();
    const ring = await textOf(folder, 'ring.json');
    expect(change(ring)).not.toBe(ring);
    await writeFile(ringPath(folder), change(ring));
    await expect(openKeyRing(folder)).rejects.toEqual(code('KEY_INVALID'));
    await expect(generateKey(folder, { keyId: 'new', role: 'human' }, maker)).rejects.toEqual(
      code('KEY_INVALID'),
    );
  });

  it('that anybody may write is refused', async () => {
    const { folder } = await folderWithKey();
    await chmod(ringPath(folder), 0o646);
    await expect(openKeyRing(folder)).rejects.toEqual(code('KEY_INVALID'));
  });

  it('holds no key under two ids, which could sign for two', async () => {
    const { folder, maker } = await folderWithKey();
    const twin = { keyId: 'twin', role: 'human', text: await textOf(folder, 'ed25519.default.vk') } as const;
    await expect(importKey(folder, twin, maker)).rejects.toEqual(code('KEY_EXISTS'));
    const { keys, ...rest } = JSON.parse(await textOf(folder, 'ring.json'));
    await writeFile(
      ringPath(folder),
      JSON.stringify({ ...rest, keys: [...keys, { ...keys[0], id: 'twin' }] }),
    );
    await expect(openKeyRing(folder)).rejects.toEqual(code('KEY_INVALID'));
  });

  it('keeps every key of those who add at the same moment, and of one id the first', async () => {
    const folder = await keyFolder();
    const ids = ['a', 'b', 'same', 'c', 'same', 'd', 'same'];
    const results = await Promise.allSettled(
      ids.map((keyId, at) => generateKey(folder, { keyId, role: 'agent' }, making(`maker ${at}`))),
    );
    const lost = results.filter((result) => result.status === 'rejected');
    expect(lost.map(({ reason }) => reason)).toEqual([code('KEY_EXISTS'), code('KEY_EXISTS')]);
    const listed = await listKeys(folder);
    expect(listed.map(({ keyId }) => keyId).sort()).toEqual(['a', 'b', 'c', 'd', 'same']);
    expect(listed.every(({ signs }) => signs)).toBe(true);
    expect(await signs(folder, 'same')).toBe('same');
    expect((await readdir(folder)).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('that is watched shows a key retired by another process at once, and never an earlier ring instead of an error', async () => {
    const { folder, maker } = await folderWithKey();
    const watched = watchKeyRing(folder);
    expect((await watched.current()).get('default')?.state).toBe('active');
    expect(await watched.current()).toBe(await watched.current());
    await retireKey(folder, 'default', maker);
    expect((await watched.current()).get('default')?.state).toBe('retired');
    await writeFile(ringPath(folder), '{');
    await expect(watched.current()).rejects.toEqual(code('KEY_INVALID'));
  });
});

describe('files', () => {
  it('are a seed for its owner and a public key for all, in base64 with a newline', async () => {
    const { folder } = await folderWithKey();
    const modes = await Promise.all(
      ['ed25519.default.sk', 'ed25519.default.vk', 'ring.json', '.'].map(
        async (name) => (await stat(join(folder, name))).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o600, 0o644, 0o644, 0o700]);
    for (const name of ['ed25519.default.sk', 'ed25519.default.vk']) {
      const content = await textOf(folder, name);
      expect(content).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
      expect(fromBase64(content.trim())).toHaveLength(32);
    }
    const [key] = await listKeys(folder);
    expect(key).toMatchObject({
      keyId: 'default',
      role: 'human',
      state: 'active',
      addedAt: NOW,
      signs: true,
    });
  });

  // Where the first python3 of the path is not Debian's, Debian's may still have it.
  const python = ['python3', '/usr/bin/python3'].find(
    (name) => spawnSync(name, ['-c', 'import nacl.signing']).status === 0,
  );
  it.skipIf(python === undefined && process.env.CI !== 'true')(
    'are read by PyNaCl, whose signatures hold here (skipped without python3-nacl)',
    async () => {
      const { folder } = await folderWithKey();
      const program = [
        'import base64, sys',
        'from nacl.signing import SigningKey, VerifyKey',
        'sk = SigningKey(base64.b64decode(open(sys.argv[1] + ".sk").read()))',
        'vk = VerifyKey(base64.b64decode(open(sys.argv[1] + ".vk").read()))',
        'vk.verify(sk.sign(b"message"))',
        'print(base64.b64encode(sk.sign(b"message").signature).decode())',
      ].join('\n');
      const { stdout, stderr } = spawnSync(
        python ?? 'python3',
        ['-c', program, join(folder, 'ed25519.default')],
        { encoding: 'utf8' },
      );
      expect(stderr).toBe('');
      const signer = await fileSigner(folder, 'default');
      expect(stdout.trim()).toBe(base64(await signer.sign(utf8('message'))));
    },
  );
});
