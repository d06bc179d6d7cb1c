import { equalBytes } from '../bytes/concat.ts';
import type { Crypto } from '../digest/crypto.ts';
import { MerkleError } from '../errors.ts';
import { nodeHash } from './hash.ts';
import { badHash, PROVEN, type ProofCheck, refuted } from './proof-check.ts';
import { isCount, requireCount, splitPoint } from './split.ts';
import { type NodeReader, subtreeHash } from './tree-root.ts';

/** PROOF of RFC 6962 §2.1.2; empty for equal sizes and for an empty old tree. */
export function consistencyProof(
  crypto: Crypto,
  read: NodeReader,
  oldSize: number,
  newSize: number,
): Uint8Array[] {
  requireCount(oldSize, 'an old size');
  requireCount(newSize, 'a new size');
  if (oldSize > newSize) {
    throw new MerkleError(`expected an old size of at most the new size \`${newSize}\`, got \`${oldSize}\``);
  }
  if (oldSize === 0) return [];
  const fromRoot: Uint8Array[] = [];
  let start = 0;
  let width = newSize;
  while (oldSize - start !== width) {
    const half = splitPoint(width);
    if (oldSize - start <= half) {
      fromRoot.push(subtreeHash(crypto, read, start + half, width - half));
      width = half;
    } else {
      fromRoot.push(subtreeHash(crypto, read, start, half));
      start += half;
      width -= half;
    }
  }
  // When the old tree is itself a left subtree, the verifier knows its hash: the old root.
  if (start !== 0) fromRoot.push(subtreeHash(crypto, read, start, width));
  return fromRoot.reverse();
}

export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly newSize: number;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * For whoever follows a log. An old size of 0 is refused: every tree extends the empty one, so such a "proof"
 * would let a log that lost everything pass for an honest one.
 */
export function verifyConsistencyForLog(crypto: Crypto, claim: ConsistencyClaim): ProofCheck {
  if (claim.oldSize === 0) {
    return refuted('expected an old size above 0: being consistent with an empty tree proves nothing');
  }
  return verify(crypto, claim);
}

/**
 * For a witness (C2SP tlog-witness), which starts at size 0 for a log that it has never seen: then the proof
 * must be empty, and the old root, which says nothing, is not read.
 */
export function verifyConsistencyForWitness(crypto: Crypto, claim: ConsistencyClaim): ProofCheck {
  if (claim.oldSize === 0 && isCount(claim.newSize) && claim.newSize > 0) {
    return claim.proof.length === 0 ? PROVEN : refuted('expected an empty proof for an old size of 0');
  }
  return verify(crypto, claim);
}

/**
 * RFC 9162 §2.1.4.2. Everything but the old size and root may come from an attacker; nothing here throws on
 * it.
 */
function verify(crypto: Crypto, { oldSize, newSize, oldRoot, newRoot, proof }: ConsistencyClaim): ProofCheck {
  if (!isCount(oldSize) || !isCount(newSize)) return refuted('expected sizes of 0 to 2^53 - 1');
  if (oldSize > newSize) {
    return refuted(`expected a new size of at least the old size \`${oldSize}\`, got \`${newSize}\``);
  }
  const bad = badHash(proof);
  if (bad !== undefined) return bad;
  if (oldSize === newSize) {
    if (proof.length > 0) return refuted('expected an empty proof for equal sizes');
    return equalBytes(oldRoot, newRoot)
      ? PROVEN
      : refuted('one size has two roots: the log shows two histories');
  }

  let node = oldSize - 1;
  let last = newSize - 1;
  while (node % 2 === 1) {
    node = (node - 1) / 2;
    last = Math.floor(last / 2);
  }
  // An old tree that is a complete subtree (node 0) is where the walk begins; otherwise the proof brings that
  // hash.
  const path = node === 0 ? proof : proof.slice(1);
  const first = node === 0 ? oldRoot : proof[0];
  if (first === undefined) return refuted('expected a proof, got an empty one');
  if (node === 0 && oldRoot.length !== 32) return refuted('expected an old root of 32 bytes');

  let oldHash = first;
  let newHash = first;
  for (const sibling of path) {
    if (last === 0) return refuted('the proof is longer than the way to the root');
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(crypto, sibling, oldHash);
      newHash = nodeHash(crypto, sibling, newHash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      newHash = nodeHash(crypto, newHash, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) return refuted('the proof is shorter than the way to the root');
  if (!equalBytes(oldHash, oldRoot)) return refuted('the proof leads to another old root');
  return equalBytes(newHash, newRoot) ? PROVEN : refuted('the proof leads to another new root');
}
