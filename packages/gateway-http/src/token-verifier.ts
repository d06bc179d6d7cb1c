import { createHash } from 'node:crypto';
import type { AuthenticationFailure, Identity, TokenCheck, TokenVerifier } from './ports.ts';

/** What a token says once its signature, issuer, audience and times hold. */
export interface Claims {
  readonly sub: string;
  readonly tenant: string;
  readonly org: string;
  readonly roles: readonly string[];
  readonly caps: readonly string[];
  readonly sid?: string | undefined;
  readonly epoch: number;
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

export type ClaimsCheck =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly code: 'UNAUTHENTICATED' | 'CAP_EXPIRED'; readonly reason: string };

/** What was taken back since a token was issued; answered from memory. */
export interface Standing {
  revoked(tokenId: string, principal: { readonly tenant: string; readonly id: string }): boolean;
  /** ms since it last knew everything. */
  staleMs(): number;
}

export interface TokenVerifierOptions {
  /** Checks signature, issuer, audience and times: costly, so a token that held is not checked again for a while. */
  check(token: string): Promise<ClaimsCheck>;
  /** Absent: nothing is ever taken back but by expiry. */
  readonly standing?: Standing;
  /** Beyond this age of `standing` nobody is let in. */
  readonly maxStaleMs: number;
  /** The epoch in force; absent: whoever decides over the action looks at the epoch, and certifies what it found. */
  epoch?(tenant: string): number;
  /** ms since the epoch. */
  now(): number;
  /** Tokens remembered. */
  readonly maxTokens: number;
  /** How long a token is taken as checked: within this time a key that was withdrawn stops verifying. */
  readonly rememberMs: number;
}

interface Remembered {
  readonly identity: Identity & { readonly ok: true };
  /** ms since the epoch: the token's own. */
  readonly expires: number;
  /** ms, monotonic: a clock that is set back makes nothing last longer. */
  readonly checked: number;
}

const FORGOTTEN_AT_ONCE = 4;

const NO_TOKEN =
  'expected `Authorization: Bearer` with a capability token; `pfctl token create` makes one for its audience, ' +
  '`safeai token create` one for the governor';

/**
 * Tells whom a token speaks for. Only the proof that it was ours is remembered, by the digest of the token; whether it
 * still holds is asked each time.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { standing, maxStaleMs, maxTokens, rememberMs } = options;
  /** In order of last use. */
  const known = new Map<string, Remembered>();

  async function identityOf(token: string): Promise<TokenCheck> {
    const digest = createHash('sha256').update(token).digest('base64');
    const remembered = known.get(digest);
    if (remembered !== undefined) {
      known.delete(digest);
      if (options.now() < remembered.expires && performance.now() - remembered.checked < rememberMs) {
        known.set(digest, remembered);
        return remembered.identity;
      }
    }
    const checked = performance.now();
    const check = await options.check(token);
    if (!check.ok) return { ...check, tag: 'AUTH_FAILED' };
    const identity = asIdentity(check.claims);
    known.set(digest, { identity, expires: identity.capability.expires, checked });
    forgetOldest();
    return identity;
  }

  /** One beyond the bound, and a few that nobody has used since they would have to be checked again. */
  function forgetOldest(): void {
    let looked = 0;
    for (const [digest, { checked }] of known) {
      const isStale = performance.now() - checked >= rememberMs;
      if ((!isStale && known.size <= maxTokens) || looked++ === FORGOTTEN_AT_ONCE) return;
      known.delete(digest);
    }
  }

  function asOfNow(identity: Identity & { readonly ok: true }): TokenCheck {
    if (standing !== undefined && standing.staleMs() > maxStaleMs) {
      const reason = 'what was revoked cannot be told right now, so no token is taken; retry later';
      return { ok: false, code: 'AUTHORITY_STALE', reason };
    }
    const { principal, capability, epoch } = identity;
    if (standing?.revoked(capability?.id ?? '', principal) === true)
      return failed('CAP_REVOKED', 'the token, or its principal, was revoked');
    if (options.epoch === undefined) return identity;
    const inForce = options.epoch(principal.tenant);
    if (epoch < inForce)
      return failed('EPOCH_STALE', 'the token is of an earlier epoch; get a new one from its issuer');
    if (epoch > inForce)
      return failed('EPOCH_FUTURE', 'the token is of an epoch that is not in force yet; retry later');
    return identity;
  }

  return {
    async verify(authorization) {
      const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '')?.[1];
      if (token === undefined)
        return authorization === undefined
          ? { ok: false, code: 'UNAUTHENTICATED', tag: 'UNAUTHORIZED', reason: NO_TOKEN }
          : failed('UNAUTHENTICATED', NO_TOKEN);
      const check = await identityOf(token);
      return check.ok ? asOfNow(check) : check;
    },
  };
}

function asIdentity({ sub, tenant, org, roles, caps, sid, epoch, jti, exp }: Claims) {
  return {
    ok: true,
    principal: { id: sub, roles, org, tenant, attributes: {} },
    capability: { id: jti, caps, expires: exp * 1000 },
    session: sid ?? null,
    epoch,
    host: roles.includes('host'),
  } as const;
}

function failed(code: AuthenticationFailure['code'], reason: string): AuthenticationFailure {
  return { ok: false, code, tag: 'AUTH_FAILED', reason };
}
