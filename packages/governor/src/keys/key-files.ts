// `ed25519.<id>.sk` (0600, base64 of the 32-byte seed) and `.vk` (0644, base64 of the public key), each with a newline: as PyNaCl's
// `SigningKey(base64.b64decode(…))` reads them. A retired private key is kept as `.sk.retired`.
import { join } from 'node:path';
import { BytesError, base64, fromBase64, fromUtf8, utf8 } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { requireKeyId } from './key-id.ts';
import { SEED_BYTES } from './key-pair.ts';
import { readKeyFile } from './read-key-file.ts';

const GROUP_AND_OTHERS = 0o077;
const MAX_KEY_FILE_BYTES = 128;

export function privateKeyPath(folder: string, keyId: string): string {
  return join(folder, `ed25519.${requireKeyId(keyId)}.sk`);
}

export function publicKeyPath(folder: string, keyId: string): string {
  return join(folder, `ed25519.${requireKeyId(keyId)}.vk`);
}

export function keyFileBytes(key: Uint8Array): Uint8Array {
  return utf8(`${base64(key)}\n`);
}

/** The seed; undefined where there is no such file. Throws KEY_INVALID, never with a part of what it holds. */
export async function readSeed(path: string): Promise<Uint8Array | undefined> {
  const bytes = await readKeyFile(path, { maxBytes: MAX_KEY_FILE_BYTES, forbiddenMode: GROUP_AND_OTHERS });
  if (bytes === undefined) return undefined;
  const seed = decoded(bytes);
  if (seed?.length === SEED_BYTES) return seed;
  throw new GovernorError('KEY_INVALID', `expected base64 of a ${SEED_BYTES}-byte seed in \`${path}\``);
}

/** As it is, for comparing: the ring and not this file says which key counts. */
export function readPublicKeyFile(path: string): Promise<Uint8Array | undefined> {
  return readKeyFile(path, { maxBytes: MAX_KEY_FILE_BYTES, forbiddenMode: 0 });
}

function decoded(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return fromBase64(fromUtf8(bytes).trim());
  } catch (error) {
    // No cause: it could say at which character the key goes wrong.
    if (error instanceof BytesError) return undefined;
    throw error;
  }
}
