import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import type { Crypto } from '@provability-fabric/kernel';

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** The kernel's crypto port on node:crypto. Keys are parsed once: parsing costs more than verifying. */
export function nodeCrypto(): Crypto {
  const keys = new Map<string, KeyObject>();
  const keyObject = (publicKey: Uint8Array): KeyObject => {
    const name = Buffer.from(publicKey).toString('latin1');
    let key = keys.get(name);
    if (key === undefined) {
      const der = Buffer.concat([SPKI_ED25519, publicKey]);
      key = createPublicKey({ key: der, format: 'der', type: 'spki' });
      keys.set(name, key);
    }
    return key;
  };
  return {
    sha256: (data) => hash('sha256', data, 'buffer'),
    verifyEd25519: (publicKey, message, signature) => verify(null, message, keyObject(publicKey), signature),
  };
}
