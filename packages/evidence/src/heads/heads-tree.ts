import {
  asDigest,
  base64,
  type Crypto,
  type Digest,
  emptyRoot,
  hex,
  inclusionProof,
  nodeHash,
  treeRoot,
} from '@provability-fabric/kernel';
import {
  bucketOf,
  HEAD_BUCKETS,
  type HeadPath,
  type SessionEnd,
  sessionLeaf,
  sessionName,
} from '@provability-fabric/statements';

const HASH_BYTES = 32;
const ENTRY_BYTES = 2 * HASH_BYTES;

/** Sessions of a bucket by name: name and leaf in turn, with room for more. */
interface Bucket {
  packed: Buffer;
  count: number;
}

/** `headsRoot`, kept up to date as sessions go on: a step costs its own bucket and the way up to the root. */
export class HeadsTree {
  readonly #crypto: Crypto;
  readonly #buckets: (Bucket | undefined)[] = Array.from({ length: HEAD_BUCKETS });
  /** A complete binary tree: node n has the children 2n and 2n + 1, bucket b is node HEAD_BUCKETS + b. */
  readonly #nodes: Uint8Array[] = Array.from({ length: 2 * HEAD_BUCKETS });
  #changed = new Set<number>();
  #count = 0;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
    const empty = emptyRoot(crypto);
    this.#nodes.fill(empty, HEAD_BUCKETS);
    for (let node = HEAD_BUCKETS - 1; node > 0; node--) this.#join(node);
  }

  /** How many sessions there are. */
  get count(): number {
    return this.#count;
  }

  /** The session ends here from now on. */
  set(end: SessionEnd): void {
    const name = sessionName(this.#crypto, end);
    const number = bucketOf(name);
    const bucket = this.#buckets[number] ?? { packed: Buffer.alloc(2 * ENTRY_BYTES), count: 0 };
    this.#buckets[number] = bucket;
    const { place, found } = search(bucket, name);
    if (!found) {
      makeRoom(bucket, place);
      bucket.packed.set(name, place * ENTRY_BYTES);
      this.#count++;
    }
    bucket.packed.set(sessionLeaf(this.#crypto, end), place * ENTRY_BYTES + HASH_BYTES);
    this.#changed.add(number);
  }

  /** Buckets whose hash is out of date. */
  get changed(): readonly number[] {
    return [...this.#changed];
  }

  /** Brings one bucket's hash up to date. */
  rehash(number: number): void {
    const bucket = this.#buckets[number];
    if (bucket === undefined || !this.#changed.delete(number)) return;
    this.#nodes[HEAD_BUCKETS + number] = treeRoot(this.#crypto, leavesIn(bucket));
    this.#stale.add((HEAD_BUCKETS + number) >> 1);
  }

  /** Nodes above buckets that changed. */
  #stale = new Set<number>();

  root(): Digest {
    for (const number of this.changed) this.rehash(number);
    for (let level = this.#stale; level.size > 0; ) {
      const parents = new Set<number>();
      for (const node of level) {
        this.#join(node);
        if (node > 1) parents.add(node >> 1);
      }
      level = parents;
    }
    this.#stale = new Set();
    return asDigest(hex(this.#nodes[1] as Uint8Array));
  }

  /** The way from a session's end to the root, as it was last asked for; undefined for a session that is not there. */
  pathOf(end: Pick<SessionEnd, 'tenant' | 'session'>): HeadPath | undefined {
    const name = sessionName(this.#crypto, end);
    const number = bucketOf(name);
    const bucket = this.#buckets[number];
    const { place, found } = bucket === undefined ? { place: 0, found: false } : search(bucket, name);
    if (bucket === undefined || !found) return undefined;
    const leaves = leavesIn(bucket);
    const read = (level: number, index: number) =>
      treeRoot(this.#crypto, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
    const toRoot: string[] = [];
    for (let node = HEAD_BUCKETS + number; node > 1; node >>= 1)
      toRoot.push(base64(this.#nodes[node ^ 1] as Uint8Array));
    return {
      index: place,
      size: bucket.count,
      in_bucket: inclusionProof(this.#crypto, read, place, bucket.count).map(base64),
      bucket: base64(this.#nodes[HEAD_BUCKETS + number] as Uint8Array),
      to_root: toRoot,
    };
  }

  #join(node: number): void {
    const [left, right] = [this.#nodes[2 * node], this.#nodes[2 * node + 1]];
    this.#nodes[node] = nodeHash(this.#crypto, left as Uint8Array, right as Uint8Array);
  }
}

function leavesIn({ packed, count }: Bucket): Uint8Array[] {
  return Array.from({ length: count }, (_, place) => {
    const start = place * ENTRY_BYTES + HASH_BYTES;
    return packed.subarray(start, start + HASH_BYTES);
  });
}

function search({ packed, count }: Bucket, name: Uint8Array): { place: number; found: boolean } {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = packed.compare(
      name,
      0,
      HASH_BYTES,
      middle * ENTRY_BYTES,
      middle * ENTRY_BYTES + HASH_BYTES,
    );
    if (order === 0) return { place: middle, found: true };
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return { place: low, found: false };
}

function makeRoom(bucket: Bucket, place: number): void {
  if ((bucket.count + 1) * ENTRY_BYTES > bucket.packed.length) {
    const larger = Buffer.alloc(2 * bucket.packed.length);
    larger.set(bucket.packed);
    bucket.packed = larger;
  }
  const start = place * ENTRY_BYTES;
  bucket.packed.copyWithin(start + ENTRY_BYTES, start, bucket.count * ENTRY_BYTES);
  bucket.count++;
}
