import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { base64 } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { generateKey } from './generate-key.ts';
import { importKey } from './import-key.ts';
import { openKeyRing } from './key-ring.ts';
import { folderWithKey, randomPublicKey, signs, textOf } from './keys.fixture.ts';
import { retireKey } from './retire-key.ts';
import { rotateKey } from './rotate-key.ts';

const human = { keyId: 'default', role: 'human' } as const;
const code = (code: string) => expect.objectContaining({ code });

describe('rotation', () => {
  it('leaves a usable key for any id, under the id of old as well, and puts the old one away', async () => {
    const { folder, maker } = await folderWithKey();
    await generateKey(folder, { keyId: 'bot', role: 'agent', principal: 'ci' }, maker);
    const before = await textOf(folder, 'ed25519.bot.sk');
    const { retired, key } = await rotateKey(folder, 'bot', maker);
    expect(retired).toBe('bot');
    expect(key).toMatchObject({
      keyId: expect.stringMatching(/^bot-[0-9a-f]{8}$/),
      role: 'agent',
      principal: 'ci',
    });
    expect(await signs(folder, 'bot')).toBe(key.keyId);
    expect(await signs(folder, key.keyId)).toBe(key.keyId);
    expect(await signs(folder, 'default')).toBe('default');
    expect(await textOf(folder, 'ed25519.bot.sk.retired')).toBe(before);
    expect((await stat(join(folder, 'ed25519.bot.sk.retired'))).mode & 0o777).toBe(0o600);
    await expect(stat(join(folder, 'ed25519.bot.sk'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await openKeyRing(folder)).get('bot')).toMatchObject({ state: 'retired', successor: key.keyId });
  });

  it('twice within a second makes two keys and loses none', async () => {
    const { folder, maker } = await folderWithKey();
    const first = await rotateKey(folder, 'default', maker);
    const second = await rotateKey(folder, 'default', maker);
    expect(second.retired).toBe(first.key.keyId);
    expect(second.key.keyId).toMatch(/^default-[0-9a-f]{8}$/);
    expect(await signs(folder, 'default')).toBe(second.key.keyId);
    const privates = (await readdir(folder)).filter((name) => name.includes('.sk'));
    expect(new Set(privates)).toEqual(
      new Set([
        'ed25519.default.sk.retired',
        `ed25519.${first.key.keyId}.sk.retired`,
        `ed25519.${second.key.keyId}.sk`,
      ]),
    );
    expect(privates).toHaveLength(3);
  });

  it('puts away what a crash after the ring had left, and takes no unfinished key for one', async () => {
    const { folder, maker } = await folderWithKey();
    const secret = await textOf(folder, 'ed25519.default.sk');
    await rotateKey(folder, 'default', maker);
    await writeFile(join(folder, 'ed25519.default.sk'), secret, { mode: 0o600 });
    expect(await signs(folder, 'default')).toMatch(/^default-/);
    await generateKey(folder, { keyId: 'other', role: 'human' }, maker);
    expect(await readdir(folder)).not.toContain('ed25519.default.sk');
  });

  it('and every other change of the ring takes away the unfinished files of a killed one, and nothing else', async () => {
    const { folder, maker } = await folderWithKey();
    const left = [
      'ed25519.x.sk.0123456789ab.new',
      'ed25519.x.vk.0123456789ab.new',
      'ring.json.0123456789ab.new',
    ];
    for (const name of [...left, 'notes.new', 'ed25519.x.sk.new'])
      await writeFile(join(folder, name), 'left');
    await rotateKey(folder, 'default', maker);
    const names = await readdir(folder);
    expect(names.filter((name) => name.endsWith('.new')).sort()).toEqual(['ed25519.x.sk.new', 'notes.new']);
  });

  it('is refused for a key whose private half is elsewhere, and for one that is retired', async () => {
    const { folder, maker } = await folderWithKey();
    await importKey(folder, { keyId: 'ann', role: 'human', text: base64(randomPublicKey()) }, maker);
    await expect(rotateKey(folder, 'ann', maker)).rejects.toEqual(code('KEY_UNKNOWN'));
    await retireKey(folder, 'default', maker);
    await expect(rotateKey(folder, 'default', maker)).rejects.toEqual(code('KEY_UNKNOWN'));
    await expect(retireKey(folder, 'default', maker)).rejects.toEqual(code('KEY_UNKNOWN'));
    await expect(generateKey(folder, human, maker)).rejects.toEqual(code('KEY_EXISTS'));
  });
});
