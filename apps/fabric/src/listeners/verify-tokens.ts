import { verifyToken } from '@provability-fabric/evidence';
import { createTokenVerifier, type TokenVerifier } from '@provability-fabric/gateway-http';
import type { DataFolder } from '../data-folder.ts';
import type { Ledger } from '../ledger/open-ledger.ts';

const CLOCK_TOLERANCE_SECONDS = 5;
const REMEMBERED = 10_000;
const REMEMBER_MS = 60_000;

export interface TokenOptions {
  readonly audience: string;
  readonly origin: string;
  readonly folder: Pick<DataFolder, 'keys'>;
  /** Absent: nothing is revoked but by expiry and epoch. */
  readonly ledger: Pick<Ledger, 'authority'> | undefined;
  /** Beyond this age of what is known of revocations nobody is let in. */
  readonly maxStaleMs: number;
  /** Whether the epoch is looked at here; where actions are decided, the decision looks at it and certifies it. */
  readonly checksEpoch: boolean;
}

/** Who a token speaks for. One that holds is put on record once, so that operators see which ones are in use. */
export function tokenVerifier(options: TokenOptions): TokenVerifier {
  const { audience, origin, folder, ledger, maxStaleMs, checksEpoch } = options;
  return createTokenVerifier({
    async check(token) {
      const expected = {
        issuer: origin,
        audience,
        keys: folder.keys.tokenKeys(),
        now: Date.now(),
        clockToleranceSeconds: CLOCK_TOLERANCE_SECONDS,
      };
      const check = await verifyToken(token, expected);
      if (check.ok && ledger !== undefined) recordUse(ledger, check.claims);
      return check;
    },
    ...(ledger === undefined ? {} : { standing: ledger.authority }),
    ...(ledger === undefined || !checksEpoch
      ? {}
      : { epoch: (tenant: string) => ledger.authority.epoch(tenant) }),
    maxStaleMs,
    now: Date.now,
    maxTokens: REMEMBERED,
    rememberMs: REMEMBER_MS,
  });
}

type Claims = Extract<Awaited<ReturnType<typeof verifyToken>>, { ok: true }>['claims'];

/** Nobody waits for it, and where it fails the token's next check tries again. */
function recordUse({ authority }: Pick<Ledger, 'authority'>, claims: Claims): void {
  const { jti, tenant, sub, sid, aud, roles, caps, epoch, iat, exp } = claims;
  const token = {
    id: jti,
    tenant,
    subject: sub,
    session: sid ?? null,
    audience: aud,
    roles,
    capabilities: caps,
    epoch,
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
  };
  authority.recordToken(token).catch(() => undefined);
}
