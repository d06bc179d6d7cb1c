import type { KeySigner, KmsKey } from '../gate/ports.ts';

/** Stands in for a key of a key management service, which no test machine has. */
export function fakeKmsKey({ keyId, publicKey, sign }: KeySigner): KmsKey {
  return { id: `kms://example/${keyId}`, publicKey: async () => publicKey, sign };
}
