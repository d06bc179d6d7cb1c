import { verify } from 'node:crypto';
import { GovernorError } from '../errors.ts';
import type { KeySigner } from '../gate/ports.ts';
import { publicKeyObject } from './key-pair.ts';

/** A signer somewhere else is asked, and believed only as far as its signature holds. Throws KEY_INVALID. */
export function checkedSigner(
  { keyId, publicKey }: { readonly keyId: string; readonly publicKey: Uint8Array },
  ask: (message: Uint8Array) => Promise<Uint8Array>,
): KeySigner {
  const key = publicKeyObject(publicKey);
  return {
    keyId,
    publicKey,
    async sign(message) {
      const signature = await ask(message);
      if (signature.length === 64 && verify(null, message, key, signature)) return signature;
      throw new GovernorError(
        'KEY_INVALID',
        `expected a signature by \`${keyId}\`, came one that does not hold`,
      );
    },
  };
}
