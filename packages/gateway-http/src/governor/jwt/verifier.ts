import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { z } from 'zod';
import type { AuthenticationFailure, AuthenticationOutage, TokenCheck, TokenVerifier } from '../../ports.ts';
import { GOVERNOR_ROLES } from '../access.ts';
import { KeysUnavailable, keySourceOf, UnknownKey } from './key-source.ts';
import { revokedTokens } from './revoked-tokens.ts';
import { type JwtSettings, jwtInvalid } from './settings.ts';

/** A token rides in every request; one beyond this is an attack on the parser. */
const MAX_TOKEN_LENGTH = 8192;
const CLOCK_TOLERANCE_SECONDS = 5;

/** Issuers put more into their tokens; nothing of that is looked at. */
const claimsSchema = z.looseObject({
  sub: z.string().regex(/^[\x21-\x7e]{1,255}$/),
  role: z.enum(['admin', 'operator', 'auditor', 'proposer']),
  jti: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  iat: z.int().nonnegative(),
  exp: z.int().positive(),
});

type Claims = z.infer<typeof claimsSchema>;

/**
 * Tells whom a JWT speaks for. The algorithm is pinned and the key comes from the settings: `alg`, `kid`, `jwk`, `jku` and `x5u`
 * of a token choose nothing but which of our own keys is tried. Throws JWT_INVALID for settings that let nobody in, or anybody.
 */
export function createJwtVerifier(
  settings: JwtSettings,
  { now }: { /** ms since 1970. */ now(): number },
): TokenVerifier {
  const { algorithm, issuer, audience, maxLifetimeSeconds, revokedFile } = settings;
  if (issuer === '' || audience === '')
    throw jwtInvalid('expected an issuer and an audience of the tokens, came none');
  const keys = keySourceOf(settings);
  const revoked = revokedFile === undefined ? () => NONE : revokedTokens(revokedFile);
  try {
    revoked();
  } catch (error) {
    throw jwtInvalid('expected a file with the ids of revoked tokens, one a line', error);
  }
  const expected: JWTVerifyOptions = {
    algorithms: [algorithm],
    issuer,
    audience,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['iss', 'aud', 'sub', 'role', 'iat', 'exp', 'jti'],
  };

  async function claimsOf(token: string): Promise<Claims> {
    const options = { ...expected, currentDate: new Date(now()) };
    const { payload } = await jwtVerify(token, keys as Parameters<typeof jwtVerify>[1], options);
    return checkedClaims(payload);
  }

  function checkedClaims(payload: JWTPayload): Claims {
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success) throw new BadClaims(problemIn(claims.error));
    const { iat, exp } = claims.data;
    // A token from the future would outlive its bound.
    if (iat > Math.floor(now() / 1000) + CLOCK_TOLERANCE_SECONDS)
      throw new BadClaims('expected an issue time that has come; compare the clocks');
    if (exp <= iat || exp - iat > maxLifetimeSeconds)
      throw new BadClaims(`expected a token that is valid for at most ${maxLifetimeSeconds} seconds`);
    return claims.data;
  }

  return {
    async verify(authorization): Promise<TokenCheck> {
      if (authorization === undefined)
        return { ok: false, code: 'UNAUTHENTICATED', tag: 'UNAUTHORIZED', reason: NO_TOKEN };
      const token = /^Bearer +([A-Za-z0-9._-]+)$/i.exec(authorization)?.[1];
      if (token === undefined) return refused(NO_TOKEN);
      if (token.length > MAX_TOKEN_LENGTH)
        return refused(`expected a token of at most ${MAX_TOKEN_LENGTH} characters`);
      let claims: Claims;
      try {
        claims = await claimsOf(token);
      } catch (error) {
        return explained(error, algorithm);
      }
      try {
        if (revoked().has(claims.jti))
          return { ok: false, code: 'CAP_REVOKED', tag: 'AUTH_FAILED', reason: 'the token was revoked' };
      } catch {
        return outage('what was revoked cannot be told right now, so no token is taken; retry later');
      }
      return identityOf(claims, settings.tenant);
    },
  };
}

const NONE: ReadonlySet<string> = new Set();
const NO_TOKEN =
  'expected `Authorization: Bearer` with a token of the governor; `safeai token create` makes one';

class BadClaims extends Error {}

function identityOf({ sub, role, jti, exp }: Claims, tenant: string): TokenCheck {
  return {
    ok: true,
    principal: { id: sub, roles: [role], org: tenant, tenant, attributes: {} },
    capability: { id: jti, caps: [], expires: exp * 1000 },
    session: null,
    epoch: 0,
    host: false,
  };
}

/** Nothing of the token is repeated. */
function explained(error: unknown, algorithm: string): AuthenticationFailure | AuthenticationOutage {
  if (error instanceof KeysUnavailable)
    return outage('the keys of the issuer cannot be had right now, so no token is taken; retry later');
  if (error instanceof errors.JWTExpired) {
    const reason = 'the token has expired; get a new one from its issuer';
    return { ok: false, code: 'CAP_EXPIRED', tag: 'AUTH_FAILED', reason };
  }
  if (error instanceof UnknownKey || error instanceof BadClaims) return refused(error.message);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refused(`expected a token signed with \`${algorithm}\``);
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(PROBLEMS[error.claim] ?? 'expected the claims iss, aud, sub, role, iat, exp and jti');
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused('expected a valid signature');
  if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError)
    return refused('expected a signed JWT of three parts');
  throw error;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  iss: 'expected a token of the issuer that the governor trusts',
  aud: 'expected a token for the audience of this governor',
  nbf: 'expected a token whose time has begun; compare the clocks',
};

/** By name from our own list: a claim's name comes from us, not from the token. */
function problemIn(error: z.ZodError): string {
  const claim = String(error.issues[0]?.path[0]);
  if (claim === 'role')
    return `expected the claim \`role\` to be ${GOVERNOR_ROLES.map((role) => `\`${role}\``).join(', ')}`;
  const known = Object.hasOwn(claimsSchema.shape, claim) ? claim : 'claims';
  return `expected a well-formed claim \`${known}\``;
}

function refused(reason: string): AuthenticationFailure {
  return { ok: false, code: 'UNAUTHENTICATED', tag: 'AUTH_FAILED', reason };
}

function outage(reason: string): AuthenticationOutage {
  return { ok: false, code: 'AUTHORITY_STALE', reason };
}
