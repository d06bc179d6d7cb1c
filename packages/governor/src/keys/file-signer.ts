import { sign } from 'node:crypto';
import { equalBytes } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import type { KeySigner } from '../gate/ports.ts';
import { privateKeyPath, readSeed } from './key-files.ts';
import { privateKeyOf, publicKeyOf } from './key-pair.ts';
import { openKeyRing } from './key-ring.ts';
import { keyInUse } from './ring.ts';

/**
 * Signs with a private key of the folder; an id that was rotated means the key that took its place. Throws KEY_UNKNOWN where the
 * folder has none, KEY_INVALID where it is not the one of the ring or others may read it.
 */
export async function fileSigner(folder: string, id: string): Promise<KeySigner> {
  const { keyId, publicKey } = keyInUse(await openKeyRing(folder), id);
  const path = privateKeyPath(folder, keyId);
  const seed = await readSeed(path);
  if (seed === undefined)
    throw new GovernorError(
      'KEY_UNKNOWN',
      `expected the private key of \`${keyId}\` at \`${path}\`, came none`,
    );
  const privateKey = privateKeyOf(seed);
  if (!equalBytes(publicKeyOf(privateKey), publicKey))
    throw new GovernorError(
      'KEY_INVALID',
      `expected the private key at \`${path}\` to be that of \`${keyId}\` in the ring, came another; put the right one back`,
    );
  return { keyId, publicKey, sign: async (message) => new Uint8Array(sign(null, message, privateKey)) };
}
