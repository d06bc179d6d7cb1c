import { randomUUID } from 'node:crypto';
import { issueToken, openKeyRing } from '@provability-fabric/evidence';
import { asPrincipalId, asSessionId, asTenantId } from '@provability-fabric/kernel';
import { PfctlError } from '../errors.ts';
import type { DataFolder } from './data-folder.ts';

export interface TokenWish {
  readonly tenant: string;
  readonly principal: string;
  readonly role: readonly string[];
  readonly org?: string;
  readonly audience: string;
  readonly session?: string;
  /** None: everything that the policy permits. */
  readonly cap: readonly string[];
  /** ms */
  readonly ttl: number;
  readonly epoch: number;
  /** ms since the epoch. */
  readonly now: number;
}

export async function createToken(
  { keys, origin }: DataFolder,
  wish: TokenWish,
): Promise<{ readonly token: string; readonly expires: string }> {
  const { tenant, principal, role, audience, session, cap, ttl, epoch, now } = wish;
  const bad = cap.find((capability) => !/^(?:\*|call:[^\s]+|read:[^\s]+)$/.test(capability));
  if (bad !== undefined)
    throw new PfctlError('INPUT_INVALID', `expected call:TOOL, read:URI or *, came \`${bad}\``);
  const ttlSeconds = Math.floor(ttl / 1000);
  const ring = await openKeyRing(keys, { origin, create: false });
  const token = await issueToken(
    {
      sub: asPrincipalId(principal),
      aud: audience,
      tenant: asTenantId(tenant),
      roles: role,
      org: wish.org ?? tenant,
      caps: cap.length === 0 ? ['*'] : cap,
      epoch,
      ...(session === undefined ? {} : { sid: asSessionId(session) }),
      ttlSeconds,
    },
    { name: origin, key: ring.tokenKey(), now, jti: randomUUID() },
  );
  return { token, expires: new Date((Math.floor(now / 1000) + ttlSeconds) * 1000).toISOString() };
}
