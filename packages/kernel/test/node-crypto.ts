// The port as an application on Node fills it.
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import type { Crypto } from '../src/index.ts';

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export const nodeCrypto: Crypto = {
  sha256: (data) => createHash('sha256').update(data).digest(),
  verifyEd25519: (publicKey, message, signature) => verify(null, message, keyObject(publicKey), signature),
};

function keyObject(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
}

export interface TestKey {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export function newKey(): TestKey {
  const pair = generateKeyPairSync('ed25519');
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    sign: (message) => new Uint8Array(sign(null, message, pair.privateKey)),
  };
}
