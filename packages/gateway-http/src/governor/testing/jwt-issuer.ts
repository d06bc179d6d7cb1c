import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import type { GovernorRole } from '../access.ts';
import { issueJwt } from '../jwt/issue.ts';
import type { JwtSettings } from '../jwt/settings.ts';

export const NOW = 1_767_225_600_000;
const pem = (key: KeyObject, type: 'spki' | 'pkcs8') => key.export({ format: 'pem', type }).toString();

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
export const RSA = {
  ...rsa,
  publicPem: pem(rsa.publicKey, 'spki'),
  privatePem: pem(rsa.privateKey, 'pkcs8'),
};
export const ED = { ...ed, publicPem: pem(ed.publicKey, 'spki'), privatePem: pem(ed.privateKey, 'pkcs8') };

export const SETTINGS: JwtSettings = {
  algorithm: 'RS256',
  publicKey: RSA.publicPem,
  issuer: 'https://issuer.example',
  audience: 'safeai',
  maxLifetimeSeconds: 3600,
  tenant: 'acme',
};

/** What a good token says; a claim of undefined is left out. */
export function claims(change: Record<string, unknown> = {}): JWTPayload {
  const at = NOW / 1000;
  const good = {
    iss: SETTINGS.issuer,
    aud: SETTINGS.audience,
    sub: 'ann',
    role: 'operator',
    iat: at,
    exp: at + 600,
    jti: 't1',
  };
  const all = Object.entries({ ...good, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(all) as JWTPayload;
}

export function signed(
  payload: JWTPayload,
  header: { readonly alg: string; readonly [name: string]: unknown } = { alg: 'RS256' },
  key: KeyObject | Uint8Array = RSA.privateKey,
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader(header).sign(key);
}

/** As `safeai token create` makes one. */
export function tokenFor(role: GovernorRole, subject = `${role}-1`): Promise<string> {
  const { issuer, audience, maxLifetimeSeconds } = SETTINGS;
  return issueJwt(
    { algorithm: 'RS256', privateKey: RSA.privatePem, issuer, audience, maxLifetimeSeconds },
    { subject, role, lifetimeSeconds: 600, id: `token-of-${subject}`, now: NOW },
  );
}
