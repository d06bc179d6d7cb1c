import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { issueToken, openKeyRing } from '@provability-fabric/evidence';
import { TENANT } from './bundle.ts';
import { ORIGIN } from './workbench.ts';

export interface TokenOptions {
  readonly audience: 'sidecar-watcher' | 'ledger';
  readonly roles?: readonly string[];
  readonly session?: string;
  /** ms since the epoch, as the fabric's clock has it. */
  readonly now?: number;
}

/** A token as its issuer makes it, with the key of the data folder. */
export async function tokenFor(
  data: string,
  { audience, roles = [], session, now }: TokenOptions,
): Promise<string> {
  const keys = await openKeyRing(join(data, 'keys'), { origin: ORIGIN, create: false });
  return issueToken(
    {
      sub: 'agent',
      aud: audience,
      tenant: TENANT,
      roles,
      org: TENANT,
      caps: ['*'],
      epoch: 1,
      ...(session === undefined ? {} : { sid: session }),
      ttlSeconds: 3600,
    },
    { name: ORIGIN, key: keys.tokenKey(), now: now ?? Date.now(), jti: randomUUID() },
  );
}
