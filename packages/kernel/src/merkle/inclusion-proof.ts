import { equalBytes } from '../bytes/concat.ts';
import type { Crypto } from '../digest/crypto.ts';
import { MerkleError } from '../errors.ts';
import { HASH_BYTES, nodeHash } from './hash.ts';
import { badHash, PROVEN, type ProofCheck, refuted } from './proof-check.ts';
import { isCount, requireCount, splitPoint } from './split.ts';
import { type NodeReader, subtreeHash } from './tree-root.ts';

/**
 * PATH of RFC 6962 §2.1.1: the siblings from the leaf at `index` up to the root of the first `size` leaves.
 */
export function inclusionProof(crypto: Crypto, read: NodeReader, index: number, size: number): Uint8Array[] {
  requireCount(index, 'a leaf index');
  requireCount(size, 'a tree size');
  if (index >= size)
    throw new MerkleError(`expected a leaf index below the size \`${size}\`, got \`${index}\``);
  const fromRoot: Uint8Array[] = [];
  let start = 0;
  let width = size;
  while (width > 1) {
    const half = splitPoint(width);
    if (index - start < half) {
      fromRoot.push(subtreeHash(crypto, read, start + half, width - half));
      width = half;
    } else {
      fromRoot.push(subtreeHash(crypto, read, start, half));
      start += half;
      width -= half;
    }
  }
  return fromRoot.reverse();
}

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  /** The leaf *hash*, not the entry. */
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** RFC 9162 §2.1.3.2. Everything but the root may come from an attacker; nothing here throws on it. */
export function verifyInclusion(crypto: Crypto, claim: InclusionClaim): ProofCheck {
  const { index, size, leaf, proof, root } = claim;
  if (!isCount(index) || !isCount(size)) return refuted('expected an index and a size of 0 to 2^53 - 1');
  if (index >= size) return refuted(`expected an index below the size \`${size}\`, got \`${index}\``);
  if (leaf.length !== HASH_BYTES) return refuted(`expected a leaf hash of 32 bytes, got \`${leaf.length}\``);
  const bad = badHash(proof);
  if (bad !== undefined) return bad;

  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return refuted('the proof is longer than the way to the root');
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(crypto, sibling, hash);
      // On the right edge levels without a sibling are skipped: the node is its own parent there.
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(crypto, hash, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) return refuted('the proof is shorter than the way to the root');
  return equalBytes(hash, root) ? PROVEN : refuted('the proof leads to another root');
}
