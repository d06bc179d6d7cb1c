import {
  type Crypto,
  fromBase64,
  fromHex,
  type ProofCheck,
  verifyInclusion,
} from '@provability-fabric/kernel';
import { bucketOf, HEAD_BUCKETS, type SessionEnd, sessionLeaf, sessionName } from './heads-root.ts';

/** The way from where one session ends to the root that a head signs: it says nothing of any other session. */
export interface HeadPath {
  /** The session's place in its bucket, and how many are there. */
  readonly index: number;
  readonly size: number;
  /** Base64 hashes of the RFC 6962 inclusion path in the bucket. */
  readonly in_bucket: readonly string[];
  /** The bucket's own hash, in base64. */
  readonly bucket: string;
  /** Base64 hashes of the inclusion path of the bucket. */
  readonly to_root: readonly string[];
}

/**
 * Whether a head with this root says that the session ends here, and nowhere else. The path may come from an attacker:
 * the session's name alone says in which bucket it is, so that a second place for it is not to be had.
 */
export function verifyHeadPath(crypto: Crypto, root: string, end: SessionEnd, path: HeadPath): ProofCheck {
  const bucket = fromBase64(path.bucket);
  const inBucket = verifyInclusion(crypto, {
    index: path.index,
    size: path.size,
    leaf: sessionLeaf(crypto, end),
    proof: path.in_bucket.map((hash) => fromBase64(hash)),
    root: bucket,
  });
  if (!inBucket.ok) return inBucket;
  return verifyInclusion(crypto, {
    index: bucketOf(sessionName(crypto, end)),
    size: HEAD_BUCKETS,
    leaf: bucket,
    proof: path.to_root.map((hash) => fromBase64(hash)),
    root: fromHex(root),
  });
}
