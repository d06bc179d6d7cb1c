import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export const SEED_BYTES = 32;

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

export function privateKeyOf(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([PKCS8_ED25519, seed]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** The 32 bytes of RFC 8032. */
export function publicKeyOf(privateKey: KeyObject): Uint8Array {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(-32));
}

export function publicKeyObject(publicKey: Uint8Array): KeyObject {
  const key = Buffer.concat([SPKI_ED25519, publicKey]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}
