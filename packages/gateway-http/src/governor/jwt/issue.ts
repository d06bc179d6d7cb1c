import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { GOVERNOR_ROLES, type GovernorRole } from '../access.ts';
import { keyProblem, pemIn } from './public-key.ts';
import { type JwtAlgorithm, jwtInvalid, requireSecret } from './settings.ts';

export interface JwtIssuer {
  readonly algorithm: JwtAlgorithm;
  /** HS256 alone. */
  readonly secret?: string;
  /** PEM, or the path of a file with it. */
  readonly privateKey?: string;
  /** `kid` of the tokens, where a key set is what checks them. */
  readonly keyId?: string;
  readonly issuer: string;
  readonly audience: string;
  readonly maxLifetimeSeconds: number;
}

export interface JwtRequest {
  readonly subject: string;
  readonly role: GovernorRole;
  readonly lifetimeSeconds: number;
  /** Unique: what a revocation names. */
  readonly id: string;
  /** ms since 1970. */
  readonly now: number;
}

/** Signs a token that `createJwtVerifier` of the same settings takes. Throws JWT_INVALID for any other. */
export async function issueJwt(issuer: JwtIssuer, request: JwtRequest): Promise<string> {
  const { subject, role, lifetimeSeconds, id, now } = request;
  const { algorithm, keyId, maxLifetimeSeconds } = issuer;
  if (!/^[\x21-\x7e]{1,255}$/.test(subject))
    throw jwtInvalid('expected a subject of 1 to 255 plain characters without spaces');
  if (!GOVERNOR_ROLES.includes(role))
    throw jwtInvalid(`expected a role out of ${GOVERNOR_ROLES.map((one) => `\`${one}\``).join(', ')}`);
  if (!Number.isSafeInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > maxLifetimeSeconds)
    throw jwtInvalid(`expected a token for 1 to ${maxLifetimeSeconds} seconds, came \`${lifetimeSeconds}\``);
  const iat = Math.floor(now / 1000);
  return new SignJWT({ role })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(issuer.issuer)
    .setAudience(issuer.audience)
    .setSubject(subject)
    .setJti(id)
    .setIssuedAt(iat)
    .setExpirationTime(iat + lifetimeSeconds)
    .sign(signingKey(issuer));
}

function signingKey({ algorithm, secret, privateKey }: JwtIssuer): KeyObject | Uint8Array {
  if (algorithm === 'HS256') return requireSecret(secret);
  if (privateKey === undefined) throw jwtInvalid(`expected a private key for \`${algorithm}\`, came none`);
  let key: KeyObject;
  try {
    key = createPrivateKey(pemIn(privateKey, 'private'));
  } catch (error) {
    throw jwtInvalid('expected a private key as PEM that OpenSSL can read', error);
  }
  const problem = keyProblem(key, algorithm);
  if (problem !== undefined) throw jwtInvalid(problem);
  return key;
}
