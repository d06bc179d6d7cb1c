// The C2SP signed-note signer key: `PRIVATE+KEY+name+hash+base64(0x01 ‖ seed)`, in one line of text.
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  BytesError,
  base64,
  type Crypto,
  concatBytes,
  fromBase64,
  type NoteVerifier,
  noteVerifier,
} from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';

const ED25519 = 0x01;
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const MARK = 'PRIVATE+KEY+';

/** An Ed25519 private key with the name it signs under. */
export interface SigningKey {
  readonly verifier: NoteVerifier;
  readonly privateKey: KeyObject;
  sign(message: Uint8Array): Uint8Array;
}

export function signingKeyFromSeed(crypto: Crypto, name: string, seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const verifier = noteVerifier(crypto, name, new Uint8Array(spki.subarray(-32)));
  return { verifier, privateKey, sign: (message) => sign(null, message, privateKey) };
}

export function formatSigningKey(verifier: NoteVerifier, seed: Uint8Array): string {
  const keyHash = verifier.keyHash.toString(16).padStart(8, '0');
  return `${MARK}${verifier.name}+${keyHash}+${base64(concatBytes(Uint8Array.of(ED25519), seed))}`;
}

/** Reads a signer key. The message never holds any of the text. */
export function parseSigningKey(crypto: Crypto, text: string): SigningKey {
  const [name, keyHash, ...encoded] = text.startsWith(MARK) ? text.slice(MARK.length).split('+') : [];
  if (name === undefined || keyHash === undefined || encoded.length === 0) {
    throw malformed('expected a signing key `PRIVATE+KEY+name+hash+key`; copy the whole line');
  }
  const bytes = decode(encoded.join('+')); // base64 may hold more pluses
  if (bytes.length !== 33 || bytes[0] !== ED25519) {
    throw malformed('expected an Ed25519 seed of 32 bytes after algorithm byte 1');
  }
  const key = signingKeyFromSeed(crypto, name, bytes.subarray(1));
  if (key.verifier.keyHash.toString(16).padStart(8, '0') !== keyHash) {
    throw malformed('expected the hash of this name and key; the line was mistyped or put together from two');
  }
  return key;
}

function decode(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (error) {
    if (!(error instanceof BytesError)) throw error;
    throw malformed('expected a signing key in base64');
  }
}

function malformed(message: string): EvidenceError {
  return new EvidenceError('KEY_MALFORMED', message);
}
