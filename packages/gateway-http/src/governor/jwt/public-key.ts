import { createPublicKey, KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ed25519PublicKeyProblem } from '@provability-fabric/kernel';
import type { CryptoKey } from 'jose';
import { type JwtAlgorithm, jwtInvalid } from './settings.ts';

const LEAST_MODULUS_BITS = 2048;
/** With the exponent 1 every message is its own signature. */
const LEAST_EXPONENT = 3n;

/** The key of a PEM text, or of the file that it names. */
export function readPublicKey(pemOrPath: string, algorithm: JwtAlgorithm): KeyObject {
  const pem = pemIn(pemOrPath, 'public');
  if (!/-----BEGIN (?:RSA )?PUBLIC KEY-----|-----BEGIN CERTIFICATE-----/.test(pem))
    throw jwtInvalid('expected a public key or a certificate as PEM, came another text');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw jwtInvalid('expected a public key as PEM that OpenSSL can read', error);
  }
  const problem = keyProblem(key, algorithm);
  if (problem !== undefined) throw jwtInvalid(problem);
  return key;
}

/** Variables that may hold no line break carry `\n` in its place. */
export function pemIn(pemOrPath: string, kind: 'public' | 'private'): string {
  if (pemOrPath.includes('-----BEGIN ')) return pemOrPath.replaceAll('\\n', '\n');
  try {
    return readFileSync(pemOrPath, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw jwtInvalid(
      `expected a ${kind} key as PEM, or the path of a file with it, which could not be read (${code})`,
      error,
    );
  }
}

/** Why a key is not to be used with the algorithm. */
export function keyProblem(given: KeyObject | CryptoKey, algorithm: JwtAlgorithm): string | undefined {
  const key = given instanceof KeyObject ? given : KeyObject.from(given);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (algorithm === 'RS256') {
    if (type !== 'rsa') return `expected an RSA key for \`RS256\`, came \`${type ?? 'none'}\``;
    const { modulusLength = 0, publicExponent = 0n } = details ?? {};
    if (modulusLength < LEAST_MODULUS_BITS)
      return `expected an RSA key of at least ${LEAST_MODULUS_BITS} bits, came \`${modulusLength}\``;
    return publicExponent < LEAST_EXPONENT ? 'expected an RSA key with an exponent from 3 up' : undefined;
  }
  if (type !== 'ed25519') return `expected an Ed25519 key for \`EdDSA\`, came \`${type ?? 'none'}\``;
  const { x = '' } = key.type === 'public' ? key.export({ format: 'jwk' }) : {};
  return key.type === 'public' ? ed25519PublicKeyProblem(Buffer.from(x, 'base64url')) : undefined;
}
