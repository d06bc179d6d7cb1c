import { randomUUID } from 'node:crypto';
import { issueToken, openKeyRing } from '@provability-fabric/evidence';
import { issueJwt } from '@provability-fabric/gateway-http';
import { FabricError } from '../errors.ts';
import type { GovernorSettings } from './governor-settings.ts';

export interface TokenWish {
  readonly subject: string;
  readonly role: string;
  readonly lifetimeMs: number;
}

export interface IssuedToken {
  readonly token: string;
  readonly id: string;
  /** ms since 1970. */
  readonly expiresAt: number;
}

const ROLES = ['admin', 'operator', 'auditor', 'proposer'] as const;

/** For the governor of these settings: by its own issuer's key where it has one, otherwise by the folder's token key. */
export async function issueGovernorToken(
  settings: GovernorSettings,
  folder: { readonly keys: string; readonly origin: string },
  { subject, role: asked, lifetimeMs }: TokenWish,
): Promise<IssuedToken> {
  const id = randomUUID();
  const now = Date.now();
  const seconds = Math.floor(lifetimeMs / 1000);
  const role = ROLES.find((one) => one === asked);
  if (role === undefined)
    throw new FabricError(
      'OPTION_INVALID',
      `expected a role out of ${ROLES.join(', ')}, came \`${asked.slice(0, 40)}\``,
    );
  const expiresAt = now + seconds * 1000;
  if (settings.jwt !== null) {
    const { algorithm, issuer, audience, secret } = settings.jwt;
    const privateKey = settings.jwtPrivateKey;
    const token = await issueJwt(
      {
        algorithm,
        issuer,
        audience,
        maxLifetimeSeconds: settings.tokenSeconds,
        ...(secret === undefined ? {} : { secret }),
        ...(privateKey === null ? {} : { privateKey }),
        ...(settings.jwtKeyId === null ? {} : { keyId: settings.jwtKeyId }),
      },
      { subject, role, lifetimeSeconds: seconds, id, now },
    );
    return { token, id, expiresAt };
  }
  const ring = await openKeyRing(folder.keys, { origin: folder.origin, create: false });
  const { tenant } = settings;
  const token = await issueToken(
    {
      sub: subject,
      aud: 'governor',
      tenant,
      roles: [role],
      org: tenant,
      caps: [],
      epoch: 1,
      ttlSeconds: seconds,
    },
    { name: folder.origin, key: ring.tokenKey(), now, jti: id },
  );
  return { token, id, expiresAt };
}
