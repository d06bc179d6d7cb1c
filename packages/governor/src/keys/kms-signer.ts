import { equalBytes } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import type { KeySigner, KmsKey } from '../gate/ports.ts';
import { checkedSigner } from './checked-signer.ts';
import { checkPublicKey } from './ring.ts';

/** Signs with a key that a key management service keeps. Throws KEY_INVALID where that is not the key of the ring. */
export async function kmsSigner(
  kms: KmsKey,
  expected: { readonly keyId: string; readonly publicKey: Uint8Array },
): Promise<KeySigner> {
  const publicKey = await kms.publicKey();
  checkPublicKey(expected.keyId, publicKey);
  if (!equalBytes(publicKey, expected.publicKey))
    throw new GovernorError(
      'KEY_INVALID',
      `expected \`${kms.id}\` to be the key \`${expected.keyId}\` of the ring, came another`,
    );
  return checkedSigner(expected, (message) => kms.sign(message));
}
