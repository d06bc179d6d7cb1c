import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import type { Crypto } from '@provability-fabric/kernel';

// A key per writer and token issuer is a handful; the bound is against a stranger's file that names
// thousands.
const MAX_CACHED_KEYS = 256;

const SHA256_BYTES = 32;
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** The kernel's crypto port on node:crypto. Keys are parsed once: parsing costs more than verifying. */
export function nodeCrypto(): Crypto {
  const keys = new Map<string, KeyObject>();

  function keyObject(publicKey: Uint8Array): KeyObject {
    const name = Buffer.from(publicKey).toString('latin1');
    let key = keys.get(name);
    if (key === undefined) {
      key = ed25519PublicKey(publicKey);
      const [oldest] = keys.keys();
      if (keys.size >= MAX_CACHED_KEYS && oldest !== undefined) keys.delete(oldest);
      keys.set(name, key);
    }
    return key;
  }

  return {
    // One-shot hashing (Node 20.12 and later) saves the hash object. The result comes as a text of one character per
    // byte: a Buffer of its own memory would cost twice as much as hashing, and as much again to collect.
    sha256(data) {
      const text = hash('sha256', data, 'binary');
      const digest = new Uint8Array(SHA256_BYTES);
      for (let i = 0; i < SHA256_BYTES; i++) digest[i] = text.charCodeAt(i);
      return digest;
    },
    sha256Hex: (data) => hash('sha256', data, 'hex'),
    verifyEd25519(publicKey, message, signature) {
      // Other lengths would throw inside OpenSSL; to a verifier they are simply not a signature.
      if (publicKey.length !== 32 || signature.length !== 64) return false;
      return verify(null, message, keyObject(publicKey), signature);
    },
  };
}

export function ed25519PublicKey(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_ED25519, publicKey]), format: 'der', type: 'spki' });
}
