import { generateKeyPairSync } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { base64 } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { importKey } from './import-key.ts';
import { listKeys } from './key-ring.ts';
import { keyFolder, making, textOf } from './keys.fixture.ts';

describe('an imported key', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  const sshBlob = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1'), raw]).toString(
    'base64',
  );
  const pem = (key: typeof privateKey, type: 'spki' | 'pkcs8') =>
    key.export({ format: 'pem', type } as never).toString();

  it.each([
    ['a private key in PEM', () => pem(privateKey, 'pkcs8')],
    [
      'an OpenSSH private key',
      () => '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----',
    ],
    ['an RSA key', () => pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, 'spki')],
    ['an RSA line', () => `ssh-rsa ${sshBlob}`],
    [
      'a line that names one type and holds another',
      () => `ssh-ed25519 ${sshBlob.replace('AAAAC3', 'AAAAC4')}`,
    ],
    ['two lines', () => `ssh-ed25519 ${sshBlob}\nssh-ed25519 ${sshBlob}`],
    [
      'a line that goes on',
      () => `ssh-ed25519 ${Buffer.concat([Buffer.from(sshBlob, 'base64'), Buffer.of(0)]).toString('base64')}`,
    ],
    [
      'a line of a length that is not there',
      () => `ssh-ed25519 ${Buffer.from('\xff\xff\xff\xff', 'latin1').toString('base64')}`,
    ],
    ['options before the type', () => `command="true" ssh-ed25519 ${sshBlob}`],
    ['31 bytes', () => base64(raw.subarray(1))],
    ['a point of low order', () => base64(Uint8Array.from([1, ...new Array(31).fill(0)]))],
    [
      'a coordinate that is not canonical',
      () => base64(Uint8Array.from([0xee, ...new Array(30).fill(0xff), 0x7f])),
    ],
    ['nothing', () => ''],
    ['a megabyte', () => 'A'.repeat(1 << 20)],
  ])('is refused as %s', async (_, content) => {
    const folder = await keyFolder();
    const importing = importKey(folder, { keyId: 'ann', role: 'human', text: content() }, making());
    const error = await importing.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'KEY_INVALID' });
    expect(String(error).length).toBeLessThan(400);
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    ['the line of a .vk file', `${base64(raw)}\n`],
    ['an OpenSSH line', `ssh-ed25519 ${sshBlob} ann@example.com\n`],
    ['an OpenSSH line without a comment', `ssh-ed25519 ${sshBlob}`],
    ['PEM', pem(publicKey, 'spki')],
  ])('is read from %s', async (_, content) => {
    const folder = await keyFolder();
    await importKey(
      folder,
      { keyId: 'ann', role: 'human', principal: 'ann@example.com', text: content },
      making(),
    );
    const [key] = await listKeys(folder);
    expect(key).toMatchObject({ keyId: 'ann', publicKey: raw, principal: 'ann@example.com', signs: false });
    expect(await textOf(folder, 'ed25519.ann.vk')).toBe(`${base64(raw)}\n`);
  });
});
