// A value that only its target can read, whatever stands in between: X25519, HKDF-SHA256 and AES-256-GCM, as in RFC 9180 in
// its base mode, with an encoding of its own.
//
//   sealed = base64url( 0x01 ‖ ephemeral public key (32) ‖ ciphertext ‖ tag (16) )
//   shared = X25519(ephemeral private key, target's public key)
//   keys   = HKDF-SHA256(ikm shared, salt ephemeral public key ‖ target's public key, info `pf-rotation-seal-v1`), 76 bytes:
//            AES key (32) ‖ nonce (12) ‖ proof key (32). Each ephemeral key seals once, so the nonce may be derived.
//   plain  = JSON of the value in UTF-8
//   AAD    = UTF-8 of the message's id, as in its header `webhook-id`
//   proof  = base64url( HMAC-SHA256(proof key, plain) ): that the target has read it
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { SecretError } from '../../errors.ts';
import { checkValue, type SecretValue } from '../../value.ts';

const FORMAT = 1;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const INFO = 'pf-rotation-seal-v1';
/** X25519 in an X.509 SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

export interface Sealed {
  readonly sealed: string;
  /** Whether the answer shows that the target has read the value. */
  isProvenBy(proof: unknown): boolean;
}

/** Throws ROTATION_INVALID for what is no public key. */
export function asTargetKey(text: unknown): KeyObject {
  const raw = typeof text === 'string' ? Buffer.from(text, 'base64url') : Buffer.alloc(0);
  if (raw.length !== KEY_BYTES)
    throw new SecretError(
      'ROTATION_INVALID',
      "expected the option `publicKey` to be the target's X25519 public key, 32 bytes in base64url",
    );
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
}

export function sealValue(value: SecretValue, target: KeyObject, messageId: string): Sealed {
  const ephemeral = generateKeyPairSync('x25519');
  const from = rawKey(ephemeral.publicKey);
  const keys = derive(sharedSecret(ephemeral.privateKey, target), from, rawKey(target));
  const plain = Buffer.from(JSON.stringify(value));
  const cipher = createCipheriv('aes-256-gcm', keys.key, keys.nonce);
  cipher.setAAD(Buffer.from(messageId));
  const body = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const expected = proofOf(keys.proof, plain);
  return {
    sealed: Buffer.concat([Buffer.from([FORMAT]), from, body]).toString('base64url'),
    isProvenBy(proof) {
      const given = Buffer.from(typeof proof === 'string' ? proof : '', 'base64url');
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/** What a target does. Throws SECRET_VALUE_INVALID for what was not sealed to this key for this message. */
export function openSealedValue(
  text: string,
  privateKey: KeyObject,
  messageId: string,
): { readonly value: SecretValue; readonly proof: string } {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes[0] !== FORMAT || bytes.length < 1 + KEY_BYTES + TAG_BYTES) throw unreadable();
  const from = bytes.subarray(1, 1 + KEY_BYTES);
  const own = rawKey(createPublicKey(privateKey));
  try {
    const keys = derive(sharedSecret(privateKey, asTargetKey(from.toString('base64url'))), from, own);
    const decipher = createDecipheriv('aes-256-gcm', keys.key, keys.nonce);
    decipher.setAAD(Buffer.from(messageId));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const plain = Buffer.concat([
      decipher.update(bytes.subarray(1 + KEY_BYTES, -TAG_BYTES)),
      decipher.final(),
    ]);
    const value = checkValue(JSON.parse(plain.toString()));
    return { value, proof: proofOf(keys.proof, plain).toString('base64url') };
  } catch {
    throw unreadable();
  }
}

/** Keys of low order lead to a secret that everybody knows: they are refused. */
function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  try {
    const shared = diffieHellman({ privateKey, publicKey });
    if (shared.some((byte) => byte !== 0)) return shared;
  } catch {
    // OpenSSL refuses most of them itself
  }
  throw new SecretError('ROTATION_INVALID', "expected the target's X25519 public key, got one of low order");
}

function derive(shared: Buffer, from: Buffer, to: Buffer) {
  const bytes = Buffer.from(hkdfSync('sha256', shared, Buffer.concat([from, to]), INFO, 76));
  return { key: bytes.subarray(0, 32), nonce: bytes.subarray(32, 44), proof: bytes.subarray(44) };
}

function rawKey(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES));
}

function proofOf(key: Buffer, plain: Buffer): Buffer {
  return createHmac('sha256', key).update(plain).digest();
}

function unreadable(): SecretError {
  return new SecretError(
    'SECRET_VALUE_INVALID',
    'expected a value that was sealed to this key, for this message',
  );
}
