// Capability tokens (CONTRACTS §6): EdDSA JWTs of an hour at most. What is checked here is who issued the
// token and for how long; what it permits is the policy's question.
import { errors, type JWTHeaderParameters, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { EvidenceError } from './errors.ts';
import type { TokenKey } from './keys/key-ring.ts';
import { ed25519PublicKey } from './node-crypto.ts';

/** Longest life of a token, in seconds. */
export const MAX_TOKEN_SECONDS = 3600;
/** A token rides in every request; one beyond this is an attack on the parser. */
export const MAX_TOKEN_LENGTH = 8192;

const TYPE = 'JWT';
const name = z.string().min(1).max(256);
/** What the log takes as the name of a principal, session or tenant (kernel ids). */
const id = z.string().regex(/^[A-Za-z0-9._:@/+-]{1,128}$/);
const seconds = z.int().nonnegative();

const claimsSchema = z.strictObject({
  iss: name,
  aud: name,
  sub: id,
  /** Session; without it the host's connection or principal decides. */
  sid: id.optional(),
  tenant: id,
  roles: z.array(name).max(64),
  org: z.string().max(256),
  /** Capabilities that the token is narrowed to. */
  caps: z.array(name).max(256),
  epoch: seconds,
  jti: name,
  iat: seconds,
  nbf: seconds.optional(),
  exp: seconds,
});

export type TokenClaims = z.infer<typeof claimsSchema>;

export interface TokenRequest {
  readonly sub: string;
  readonly aud: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly org: string;
  readonly caps: readonly string[];
  readonly epoch: number;
  readonly sid?: string;
  /** At most MAX_TOKEN_SECONDS. */
  readonly ttlSeconds: number;
}

/** Signs a token; throws BAD_TOKEN_REQUEST for one that `verifyToken` would refuse. */
export async function issueToken(
  request: TokenRequest,
  issuer: {
    readonly name: string;
    readonly key: TokenKey;
    /** ms since the epoch. */
    readonly now: number;
    /** Unique: what a revocation names. */
    readonly jti: string;
  },
): Promise<string> {
  const { ttlSeconds, ...rest } = request;
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TOKEN_SECONDS) {
    throw badRequest(`a life of 1 to ${MAX_TOKEN_SECONDS} seconds, got \`${ttlSeconds}\``);
  }
  const iat = Math.floor(issuer.now / 1000);
  const claims = claimsSchema.safeParse({
    ...rest,
    iss: issuer.name,
    jti: issuer.jti,
    iat,
    exp: iat + ttlSeconds,
  });
  if (!claims.success) throw badRequest(`well-formed claims, \`${claimNames(claims.error)}\` is not`);
  const token = await new SignJWT(claims.data as JWTPayload)
    .setProtectedHeader({ alg: 'EdDSA', kid: issuer.key.kid, typ: TYPE })
    .sign(issuer.key.privateKey);
  if (token.length > MAX_TOKEN_LENGTH) throw badRequest(`a token of at most ${MAX_TOKEN_LENGTH} characters`);
  return token;
}

export type TokenCheck =
  | { readonly ok: true; readonly claims: TokenClaims }
  | { readonly ok: false; readonly code: 'UNAUTHENTICATED' | 'CAP_EXPIRED'; readonly reason: string };

/**
 * Checks a token from a stranger. The algorithm is pinned and the key comes from our ring by kid: nothing
 * that the token says of itself chooses how it is checked. A reason never repeats any part of the token.
 */
export async function verifyToken(
  text: string,
  expected: {
    readonly issuer: string;
    readonly audience: string;
    /** Public keys by kid. */
    readonly keys: ReadonlyMap<string, Uint8Array>;
    /** ms since the epoch. */
    readonly now: number;
    readonly clockToleranceSeconds: number;
  },
): Promise<TokenCheck> {
  if (text.length > MAX_TOKEN_LENGTH) {
    return refused(`expected a token of at most ${MAX_TOKEN_LENGTH} characters`);
  }
  let payload: unknown;
  try {
    const options = {
      algorithms: ['EdDSA'],
      issuer: expected.issuer,
      audience: expected.audience,
      currentDate: new Date(expected.now),
      clockTolerance: expected.clockToleranceSeconds,
      typ: TYPE,
      requiredClaims: ['exp', 'iat', 'jti', 'sub'],
    };
    const verified = await jwtVerify(
      text,
      (header: JWTHeaderParameters) => publicKey(expected.keys, header.kid),
      options,
    );
    payload = verified.payload;
  } catch (error) {
    return explain(error);
  }
  const claims = claimsSchema.safeParse(payload);
  if (!claims.success) return refused(`expected well-formed claims, \`${claimNames(claims.error)}\` is not`);
  const { iat, exp } = claims.data;
  // jose leaves the issue time alone: a token from the future would outlive its hour.
  if (iat > Math.floor(expected.now / 1000) + expected.clockToleranceSeconds) {
    return refused('expected an issue time that has come; compare the clocks');
  }
  if (exp - iat > MAX_TOKEN_SECONDS || exp <= iat) {
    return refused(`expected a life of 1 to ${MAX_TOKEN_SECONDS} seconds`);
  }
  return { ok: true, claims: claims.data };
}

class UnknownKey extends Error {}

function publicKey(keys: ReadonlyMap<string, Uint8Array>, kid: string | undefined) {
  const key = kid === undefined ? undefined : keys.get(kid);
  if (key === undefined) throw new UnknownKey();
  return ed25519PublicKey(key);
}

function explain(error: unknown): TokenCheck {
  if (error instanceof errors.JWTExpired) {
    return { ok: false, code: 'CAP_EXPIRED', reason: 'the token has expired; get a new one from its issuer' };
  }
  if (error instanceof UnknownKey) return refused('expected a key id of this fabric');
  if (error instanceof errors.JOSEAlgNotAllowed) return refused('expected algorithm `EdDSA`');
  if (error instanceof errors.JWTClaimValidationFailed) return refused(claimProblem(error.claim));
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused('expected a valid signature');
  // Everything else that jose reports, and what it lets through from the JSON reader, is a text that is no
  // token.
  if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof SyntaxError) {
    return refused('expected a signed JWT of three parts');
  }
  throw error;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  iss: 'expected a token of this issuer',
  aud: 'expected a token for this audience',
  nbf: 'expected a token whose time has begun; compare the clocks',
  typ: 'expected type `JWT`',
};

// By name from our own list: a claim's name comes from us, not from the token.
function claimProblem(claim: string): string {
  return PROBLEMS[claim] ?? 'expected the claims exp, iat, jti and sub';
}

function claimNames(error: z.ZodError): string {
  const own = new Set<string>(Object.keys(claimsSchema.shape));
  const names = error.issues.map(({ path: [first] }) => (own.has(String(first)) ? String(first) : 'claims'));
  return [...new Set(names)].join(', ');
}

function refused(reason: string): TokenCheck {
  return { ok: false, code: 'UNAUTHENTICATED', reason };
}

function badRequest(expectation: string): EvidenceError {
  return new EvidenceError('BAD_TOKEN_REQUEST', `expected ${expectation}`);
}
