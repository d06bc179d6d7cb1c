import { randomUUID } from 'node:crypto';
import { CommandError } from '@provability-fabric/command-line';
import { issueToken, openKeyRing } from '@provability-fabric/evidence';
import { asPrincipalId, asSessionId, asTenantId } from '@provability-fabric/kernel';
import { isRecordSession } from '@provability-fabric/statements';
import type { DataFolder } from '../evidence/data-folder.ts';
import { recordToken, type TokenRecord } from './token-records.ts';

export interface TokenWish {
  readonly tenant: string;
  readonly subject: string;
  readonly role: readonly string[];
  readonly org?: string;
  readonly audience: string;
  readonly sid?: string;
  /** None: everything that the policy permits. */
  readonly cap: readonly string[];
  /** ms */
  readonly ttl: number;
  readonly epoch: number;
  /** ms since the epoch. */
  readonly now: number;
}

export interface CreatedToken {
  /** A credential: for its receiver alone. */
  readonly token: string;
  readonly record: TokenRecord;
  /** Where the record is. */
  readonly path: string;
}

/** Signs a token. What it says, never the token, is on record before anyone has it. */
export async function createToken(folder: DataFolder, wish: TokenWish): Promise<CreatedToken> {
  const { tenant, subject, role, audience, sid, cap, ttl, epoch, now } = wish;
  const bad = cap.find((capability) => !/^(?:\*|call:[^\s]+|read:[^\s]+)$/.test(capability));
  if (bad !== undefined)
    throw new CommandError('INPUT_INVALID', `expected call:TOOL, read:URI or *, came \`${bad}\``);
  if (sid !== undefined && isRecordSession(sid))
    throw new CommandError(
      'INPUT_INVALID',
      `expected a session that is no record of accesses to secrets or of governed changes, came \`${sid.slice(0, 200)}\`; give it another name`,
    );
  const ttlSeconds = Math.floor(ttl / 1000);
  const capabilities = cap.length === 0 ? ['*'] : cap;
  const id = randomUUID();
  const ring = await openKeyRing(folder.keys, { origin: folder.origin, create: false });
  const token = await issueToken(
    {
      sub: asPrincipalId(subject),
      aud: audience,
      tenant: asTenantId(tenant),
      roles: role,
      org: wish.org ?? tenant,
      caps: capabilities,
      epoch,
      ...(sid === undefined ? {} : { sid: asSessionId(sid) }),
      ttlSeconds,
    },
    { name: folder.origin, key: ring.tokenKey(), now, jti: id },
  );
  const issuedAt = Math.floor(now / 1000) * 1000;
  const record: TokenRecord = {
    id,
    tenant,
    subject,
    session: sid ?? null,
    audience,
    roles: role,
    capabilities,
    epoch,
    issuedAt,
    expiresAt: issuedAt + ttlSeconds * 1000,
  };
  return { token, record, path: await recordToken(folder.path, record) };
}
