import { GovernorError } from '../errors.ts';
import { changeRing, type KeyMaking } from './change-ring.ts';
import { activeKey, type NewKey, publish, refuseKnownKey } from './generate-key.ts';
import { requireKeyId } from './key-id.ts';
import { parsePublicKeyText } from './public-key-text.ts';
import { checkPublicKey, type RingKey } from './ring.ts';

/**
 * Puts somebody's public key into the ring: a `.vk` file's text, an OpenSSH line or PEM. Throws KEY_INVALID for a weak one,
 * KEY_EXISTS for an id or a key that the ring has.
 */
export async function importKey(
  folder: string,
  { text, ...wanted }: NewKey & { readonly text: string },
  making: KeyMaking,
): Promise<RingKey> {
  const keyId = requireKeyId(wanted.keyId);
  const publicKey = parsePublicKeyText(text);
  checkPublicKey(keyId, publicKey);
  return changeRing(folder, making, async (ring, unique) => {
    if (ring.get(keyId) !== undefined)
      throw new GovernorError(
        'KEY_EXISTS',
        `expected an id that is free, came \`${keyId}\`, which is in the ring`,
      );
    refuseKnownKey(ring, publicKey);
    await publish(folder, keyId, publicKey, unique);
    const key = activeKey(wanted, publicKey, making.now());
    return { keys: [...ring.keys, key], result: key };
  });
}
