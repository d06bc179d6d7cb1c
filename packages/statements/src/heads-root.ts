// What a head commits to: where every session of a log ends, in a form in which one session's step changes little.
//
// A session's name is SHA-256 of the canonical JSON [tenant, session]; its leaf is the RFC 6962 leaf hash of the
// canonical JSON [tenant, session, seq, digest]. Sessions lie in 4,096 buckets by the first 12 bits of their name
// and, in a bucket, in the order of their names. A bucket's hash is the RFC 6962 root over its leaves, the root the
// one over the buckets' hashes.
import {
  asDigest,
  type Crypto,
  canonicalBytes,
  type Digest,
  emptyRoot,
  hex,
  leafHash,
  nodeHash,
  treeRoot,
} from '@provability-fabric/kernel';

/** Where a session ends. */
export interface SessionEnd {
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
  readonly digest: Digest;
}

export const HEAD_BUCKETS = 4096;

/** 32 bytes: which session it is, whatever it has come to. */
export function sessionName(
  crypto: Crypto,
  { tenant, session }: Omit<SessionEnd, 'seq' | 'digest'>,
): Uint8Array {
  return crypto.sha256(canonicalBytes([tenant, session]));
}

export function sessionLeaf(crypto: Crypto, { tenant, session, seq, digest }: SessionEnd): Uint8Array {
  return leafHash(crypto, canonicalBytes([tenant, session, seq, digest]));
}

export function bucketOf(name: Uint8Array): number {
  return (name[0] as number) * 16 + ((name[1] as number) >> 4);
}

/** The root over session ends in any order, each session once. */
export function headsRoot(crypto: Crypto, ends: Iterable<SessionEnd>): Digest {
  const buckets = new Map<number, { readonly name: string; readonly leaf: Uint8Array }[]>();
  for (const end of ends) {
    const name = sessionName(crypto, end);
    const bucket = buckets.get(bucketOf(name)) ?? [];
    buckets.set(bucketOf(name), bucket);
    bucket.push({ name: hex(name), leaf: sessionLeaf(crypto, end) });
  }
  const empty = emptyRoot(crypto);
  const hashes = Array.from({ length: HEAD_BUCKETS }, (_, number) => {
    const bucket = buckets.get(number);
    if (bucket === undefined) return empty;
    bucket.sort((a, b) => (a.name < b.name ? -1 : 1));
    return treeRoot(
      crypto,
      bucket.map(({ leaf }) => leaf),
    );
  });
  return asDigest(hex(joinAll(crypto, hashes, empty)));
}

/** The root over a power of two of hashes; what is empty below is hashed once a level. */
function joinAll(crypto: Crypto, hashes: readonly Uint8Array[], empty: Uint8Array): Uint8Array {
  const [only] = hashes;
  if (hashes.length === 1 && only !== undefined) return only;
  const emptyPair = nodeHash(crypto, empty, empty);
  const pairs = Array.from({ length: hashes.length / 2 }, (_, place) => {
    const [left, right] = [hashes[2 * place] as Uint8Array, hashes[2 * place + 1] as Uint8Array];
    return left === empty && right === empty ? emptyPair : nodeHash(crypto, left, right);
  });
  return joinAll(crypto, pairs, emptyPair);
}
