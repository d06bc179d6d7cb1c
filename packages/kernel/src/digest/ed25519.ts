// What an Ed25519 implementation may or may not check, fixed here so that node:crypto, WebCrypto and a pure
// JavaScript one give the same verdict on the same bytes (RFC 8032 §5.1.7 leaves these to the reader).
import type { Crypto } from './crypto.ts';

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const SIGN_BIT = 2n ** 255n;

/**
 * Why a public key must not be registered, or undefined. OpenSSL accepts low-order and non-canonical keys, so
 * this runs wherever a key enters: parseVerifierKey and every key file.
 */
export function ed25519PublicKeyProblem(publicKey: Uint8Array): string | undefined {
  if (publicKey.length !== 32)
    return `expected an Ed25519 public key of 32 bytes, got \`${publicKey.length}\``;
  const y = littleEndian(publicKey) % SIGN_BIT;
  if (y >= P) return 'expected a canonical Ed25519 public key, got a coordinate not below 2^255 - 19';
  const ySquared = (y * y) % P;
  if (isLowOrder(ySquared)) return 'expected an Ed25519 public key of full order, got a point of low order';
  // x² = (y² - 1) / (d·y² + 1) has a solution exactly when the product of both is a square (Euler's
  // criterion).
  const product = (((ySquared - 1n + P) % P) * ((D * ySquared + 1n) % P)) % P;
  if (power(product, (P - 1n) / 2n) !== 1n)
    return 'expected an Ed25519 public key, got bytes that are no curve point';
  return undefined;
}

/**
 * Is it one of the eight points whose order divides 8? With such a key one signature verifies many messages.
 * y = ±1 has order 1 or 2, y = 0 order 4; doubling a point of order 8 gives y = 0, which is d·y⁴ + 2·y² = 1.
 */
function isLowOrder(ySquared: bigint): boolean {
  return ySquared === 0n || ySquared === 1n || (((D * ySquared + 2n) % P) * ySquared) % P === 1n;
}

/**
 * The only way the kernel verifies: a signature whose S is not below the group order or whose R is not
 * canonical is refused before the port sees it. Otherwise one valid signature could be respelled into another
 * valid one.
 */
export function verifySignature(
  crypto: Crypto,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  if (!(littleEndian(signature.subarray(32)) < L)) return false;
  if (littleEndian(signature.subarray(0, 32)) % SIGN_BIT >= P) return false;
  return crypto.verifyEd25519(publicKey, message, signature);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
