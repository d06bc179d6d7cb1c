import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { SecretError } from '../errors.ts';

/** Bytes from the operating system's source. */
export type RandomBytes = (count: number) => Uint8Array;

/**
 * What a ciphertext is for. All parts are authenticated with it, as a JSON array, so that no two lists of parts have
 * the same bytes: a ciphertext opens in its own place and nowhere else.
 */
export type Binding = readonly (string | number)[];

export const KEY_BYTES = 32;
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * AES-256-GCM (NIST SP 800-38D): `01 ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. The nonce is random, which is safe for 2^32
 * messages under one key: a value has a key of its own, a tenant's key wraps two messages for each change of a secret.
 */
export function seal(key: KeyObject, binding: Binding, plain: Uint8Array, random: RandomBytes): Uint8Array {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(boundBytes(binding));
  const body = cipher.update(plain);
  cipher.final();
  return Buffer.concat([Uint8Array.of(FORMAT), nonce, body, cipher.getAuthTag()]);
}

/** Throws PROVIDER_INCONSISTENT for bytes that were not sealed under this key for this place. */
export function open(key: KeyObject, binding: Binding, sealed: Uint8Array): Buffer {
  try {
    if (sealed.length < OVERHEAD || sealed[0] !== FORMAT)
      throw new RangeError('no ciphertext of this format');
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(boundBytes(binding));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(1 + NONCE_BYTES, sealed.length - TAG_BYTES));
    decipher.final();
    return plain;
  } catch (cause) {
    throw new SecretError(
      'PROVIDER_INCONSISTENT',
      `expected a ${binding[0]} that was sealed for its place, got bytes that were changed, moved or put back; ` +
        'restore the row from a backup and look into who writes to the store',
      { cause },
    );
  }
}

/** A key of its own for each purpose (HKDF-SHA-256, RFC 5869). */
export function derivedKey(key: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(derivedBytes(key, purpose, KEY_BYTES));
}

export function derivedBytes(key: Uint8Array, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, 'provability-fabric/secrets', purpose, bytes));
}

function boundBytes(binding: Binding): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, ...binding]), 'utf8');
}
