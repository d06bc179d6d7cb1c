import { KEY_BYTES } from '../embedded/cipher.ts';
import { SecretError } from '../errors.ts';
import type { RootKeySource } from './root-key-source.ts';

/** A key that never leaves its owner (a KMS, an HSM): it wraps ours, which is in memory while the store is open. */
export interface KeyManagement {
  wrap(key: Uint8Array): Promise<Uint8Array>;
  /** Throws for what it did not wrap. */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>;
}

const MAX_WRAPPED_BYTES = 4096;

/** The root key is random; on record is what the KMS made of it. */
export function rootKeyFromKms(kms: KeyManagement): RootKeySource {
  return {
    kind: 'kms',
    make: async (random) => {
      const key = random(KEY_BYTES);
      const parameters = await asked(() => kms.wrap(key));
      // A KMS that cannot open what it wrapped would cost every secret.
      const opened = await asked(() => kms.unwrap(parameters));
      if (parameters.length > MAX_WRAPPED_BYTES || !Buffer.from(opened).equals(key))
        throw new SecretError('SECRETS_SEALED', 'expected the key management to open what it wrapped itself');
      return { key, parameters };
    },
    derive: async (parameters) => {
      const key = await asked(() => kms.unwrap(parameters));
      return key.length === KEY_BYTES ? key : null;
    },
  };
}

async function asked(work: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await work();
  } catch (cause) {
    throw new SecretError(
      'SECRETS_SEALED',
      'expected the key management to answer, and to know its own key',
      {
        cause,
      },
    );
  }
}
