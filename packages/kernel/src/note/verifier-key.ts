// C2SP signed-note: who a signature is by, in one line of text. Only Ed25519 (algorithm byte 0x01).
import { base64, fromBase64 } from '../bytes/base64.ts';
import { concatBytes, equalBytes } from '../bytes/concat.ts';
import { fromHex, hex } from '../bytes/hex.ts';
import { utf8 } from '../bytes/utf8.ts';
import type { Crypto } from '../digest/crypto.ts';
import { ed25519PublicKeyProblem } from '../digest/ed25519.ts';
import { BytesError, NoteError } from '../errors.ts';
import { isNoteName } from './text.ts';

const ED25519 = 0x01;

export interface NoteVerifier {
  readonly name: string;
  /**
   * The first four bytes of the key hash as an unsigned big-endian number. It only finds keys: it proves
   * nothing.
   */
  readonly keyHash: number;
  readonly publicKey: Uint8Array;
}

/** The first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). */
export function noteKeyHash(crypto: Crypto, name: string, publicKey: Uint8Array): number {
  const hash = crypto.sha256(concatBytes(utf8(name), Uint8Array.of(0x0a, ED25519), publicKey));
  return readKeyHash(hash);
}

/** A verifier for a key; throws NoteError NOTE_BAD_KEY for a bad name or a weak key. */
export function noteVerifier(crypto: Crypto, name: string, publicKey: Uint8Array): NoteVerifier {
  if (!isNoteName(name)) throw badKey('expected a key name without white space, control characters or plus');
  const problem = ed25519PublicKeyProblem(publicKey);
  if (problem !== undefined) throw badKey(problem);
  return { name, keyHash: noteKeyHash(crypto, name, publicKey), publicKey };
}

/** `name+12345678+base64(0x01 ‖ public key)` */
export function formatVerifierKey(verifier: NoteVerifier): string {
  const key = base64(concatBytes(Uint8Array.of(ED25519), verifier.publicKey));
  return `${verifier.name}+${hex(keyHashBytes(verifier.keyHash))}+${key}`;
}

/**
 * Reads a verifier key; throws NoteError NOTE_BAD_KEY. Weak keys and a hash of another key or name are
 * refused.
 */
export function parseVerifierKey(crypto: Crypto, text: string): NoteVerifier {
  const first = text.indexOf('+');
  const second = text.indexOf('+', first + 1); // base64 may hold more
  if (first < 0 || second < 0) throw badKey('expected a verifier key `name+hash+key`; copy the whole line');
  const verifier = noteVerifier(crypto, text.slice(0, first), readPublicKey(text.slice(second + 1)));
  if (!equalBytes(readHash(text.slice(first + 1, second)), keyHashBytes(verifier.keyHash))) {
    throw badKey('expected the hash of this name and key; the line was mistyped or put together from two');
  }
  return verifier;
}

export function keyHashBytes(keyHash: number): Uint8Array {
  return Uint8Array.of(keyHash >>> 24, keyHash >>> 16, keyHash >>> 8, keyHash);
}

export function readKeyHash(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

function readHash(text: string): Uint8Array {
  return decode(fromHex, text, 'a key hash of 8 lowercase hex digits');
}

function readPublicKey(text: string): Uint8Array {
  const bytes = decode(fromBase64, text, 'a key in base64');
  if (bytes[0] !== ED25519) throw badKey('expected an Ed25519 key (algorithm byte 1)');
  return bytes.subarray(1);
}

function decode(read: (text: string) => Uint8Array, text: string, expected: string): Uint8Array {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof BytesError)) throw error;
    throw badKey(`expected ${expected}`);
  }
}

function badKey(message: string): NoteError {
  return new NoteError('NOTE_BAD_KEY', message);
}
