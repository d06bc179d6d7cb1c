import { KEY_BYTES } from '../embedded/cipher.ts';
import { SecretError } from '../errors.ts';
import type { RootKeySource } from './root-key-source.ts';
import { readSecretFile } from './secret-file.ts';

const MAX_FILE_BYTES = 128;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/** 32 bytes, raw or as base64, in a file of mode 0600 or 0400. */
export function rootKeyFromFile(path: string): RootKeySource {
  const read = async () => keyFrom(await readSecretFile(path, MAX_FILE_BYTES), path);
  return {
    kind: 'file',
    make: async () => ({ key: await read(), parameters: new Uint8Array(0) }),
    derive: read,
  };
}

function keyFrom(content: Buffer, path: string): Buffer {
  const text = content.toString('latin1').trim();
  const key = content.length === KEY_BYTES ? content : BASE64.test(text) ? Buffer.from(text, 'base64') : null;
  if (key?.length !== KEY_BYTES)
    throw new SecretError(
      'SECRETS_SEALED',
      `expected ${KEY_BYTES} bytes, raw or as base64, in \`${path}\`; make them with \`openssl rand -base64 32\``,
    );
  if (key.every((byte) => byte === key[0]))
    throw new SecretError('SECRETS_SEALED', `expected random bytes in \`${path}\`, got one byte repeated`);
  return key;
}
