import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import type { MountAttributes } from './attributes.ts';
import { CsiError } from './errors.ts';

/** Who a pod is, as its cluster signed it. */
export interface PodIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: string;
  readonly podUid: string;
}

export interface ClusterOptions {
  /** The `iss` of the cluster's tokens. */
  readonly issuer: string;
  readonly audience: string;
  /** The cluster's signing keys. */
  readonly keys: JWTVerifyGetKey;
  /** ms since 1970. */
  readonly now: () => number;
}

/** What clusters sign with; never a symmetric one, and never `none`. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const CLOCK_TOLERANCE_SECONDS = 30;
/** Of the keys, not of the token. */
const UNAVAILABLE = [errors.JWKSTimeout, errors.JWKSInvalid];

const name = z.string().min(1).max(253);
/** Tokens that are bound to no pod, such as those of the old kind that never expire, lack `pod`. */
const claimsSchema = z.looseObject({
  sub: z.string(),
  'kubernetes.io': z.looseObject({
    namespace: name,
    serviceaccount: z.looseObject({ name }),
    pod: z.looseObject({ name, uid: name }),
  }),
});

/** Throws MOUNT_UNAUTHENTICATED, or CLUSTER_KEYS_UNAVAILABLE where nobody can tell. */
export async function identifyPod(
  { token, claimed }: Pick<MountAttributes, 'token' | 'claimed'>,
  { issuer, audience, keys, now }: ClusterOptions,
): Promise<PodIdentity> {
  const expected = {
    issuer,
    audience,
    algorithms: ALGORITHMS,
    requiredClaims: ['exp', 'iat', 'sub'],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate: new Date(now()),
  };
  const { payload } = await jwtVerify(token, keys, expected).catch((error: unknown) => {
    throw refusalOf(error);
  });
  const claims = claimsSchema.safeParse(payload);
  if (!claims.success) throw unauthenticated('a token that is bound to a pod');
  const { namespace, serviceaccount, pod } = claims.data['kubernetes.io'];
  const identity = { namespace, serviceAccount: serviceaccount.name, pod: pod.name, podUid: pod.uid };
  if (claims.data.sub !== `system:serviceaccount:${namespace}:${identity.serviceAccount}`)
    throw unauthenticated('a token whose subject is its service account');
  // A token that was taken from one pod does not mount another's volume.
  for (const part of ['namespace', 'serviceAccount', 'pod', 'podUid'] as const)
    if (claimed[part] !== undefined && claimed[part] !== identity[part])
      throw unauthenticated(`a token of the pod that the request is for, its \`${part}\` is another`);
  return identity;
}

function refusalOf(error: unknown): CsiError {
  if (error instanceof CsiError) return error;
  if (error instanceof errors.JWTExpired) return unauthenticated('a token that has not expired', error);
  if (error instanceof errors.JWTClaimValidationFailed)
    return unauthenticated(
      `a token of this cluster for this audience, its \`${error.claim}\` is another`,
      error,
    );
  if (UNAVAILABLE.some((kind) => error instanceof kind) || !(error instanceof errors.JOSEError))
    return new CsiError('CLUSTER_KEYS_UNAVAILABLE', 'expected to get the signing keys of the cluster', {
      cause: error,
    });
  return unauthenticated('a token that a key of this cluster has signed', error);
}

function unauthenticated(expected: string, cause?: unknown): CsiError {
  return new CsiError('MOUNT_UNAUTHENTICATED', `expected ${expected}`, { cause });
}
