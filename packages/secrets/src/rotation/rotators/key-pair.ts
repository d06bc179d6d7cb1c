import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';
import { SecretError } from '../../errors.ts';
import type { Rotator, RotatorOptions } from '../ports.ts';

const PROBE = Buffer.from('provability-fabric/rotation/key-pair');

/**
 * A key pair to sign with: fields `private_key` (PKCS #8 PEM), `public_key` (SPKI PEM), `jwk` (the public key as JSON Web
 * Key), `kid` (its RFC 7638 thumbprint), `alg`. Options: `algorithm` (ed25519 or rsa; ed25519), `bits` (2,048 to 4,096;
 * 3,072). The old public key stays in the JWKS until the grace is over (`publicKeys`).
 */
export function createKeyPairRotator(): Rotator {
  const nothing = async () => undefined;
  return {
    name: 'key-pair',
    async generate(current, { options }) {
      const { publicKey, privateKey, alg } = await newPair(options);
      const { kty, crv, x, n, e } = publicKey.export({ format: 'jwk' });
      // The members that RFC 7638 counts, in its order.
      const required = kty === 'OKP' ? { crv, kty, x } : { e, kty, n };
      const kid = createHash('sha256').update(JSON.stringify(required)).digest('base64url');
      return {
        ...current,
        private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
        public_key: publicKey.export({ type: 'spki', format: 'pem' }) as string,
        jwk: JSON.stringify({ ...required, kid, alg, use: 'sig' }),
        kid,
        alg,
      };
    },
    set: nothing,
    async test({ private_key, jwk, alg }) {
      const hash = alg === 'RS256' ? 'sha256' : null;
      const publicKey = createPublicKey({ key: JSON.parse(jwk ?? '{}'), format: 'jwk' });
      const signature = sign(hash, PROBE, createPrivateKey(private_key ?? ''));
      if (!verify(hash, PROBE, publicKey, signature))
        throw new SecretError(
          'ROTATION_FAILED',
          'expected the public key to verify what the private key signs',
        );
    },
    revoke: nothing,
    undo: nothing,
  };
}

async function newPair({ algorithm = 'ed25519', bits = 3_072 }: RotatorOptions): Promise<{
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly alg: 'EdDSA' | 'RS256';
}> {
  if (algorithm === 'ed25519') return { ...(await promisify(generateKeyPair)('ed25519')), alg: 'EdDSA' };
  if (algorithm !== 'rsa' || typeof bits !== 'number' || !(bits >= 2_048 && bits <= 4_096) || bits % 8 !== 0)
    throw new SecretError(
      'ROTATION_INVALID',
      'expected the option `algorithm` to be `ed25519` or `rsa`, and `bits` to be 2048 to 4096',
    );
  return { ...(await promisify(generateKeyPair)('rsa', { modulusLength: bits })), alg: 'RS256' };
}
