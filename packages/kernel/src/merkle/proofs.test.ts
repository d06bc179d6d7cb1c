import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testWithCorpus, unpack } from '../../test/corpora.ts';
import { flipBit } from '../../test/flip.ts';
import { nodeCrypto } from '../../test/node-crypto.ts';
import {
  AppendTree,
  consistencyProof,
  fromBase64,
  inclusionProof,
  type JsonValue,
  leafHash,
  MerkleError,
  type ProofCheck,
  parseJsonBytes,
  rootFrom,
  utf8,
  verifyConsistencyForLog,
  verifyConsistencyForWitness,
  verifyInclusion,
} from '../index.ts';

const SIZE = 300;
const leaves = Array.from({ length: SIZE }, (_, i) => leafHash(nodeCrypto, utf8(`entry ${i}`)));
const nodes: Uint8Array[][] = [];
const roots: Uint8Array[] = [];
const tree = new AppendTree(nodeCrypto, (level, index, hash) => {
  const row = nodes[level] ?? [];
  nodes[level] = row;
  row[index] = hash;
});
roots.push(tree.root());
for (const leaf of leaves) {
  tree.append(leaf);
  roots.push(tree.root());
}
const read = (level: number, index: number): Uint8Array => {
  const hash = nodes[level]?.[index];
  if (hash === undefined) throw new Error(`read an incomplete node ${level}/${index}`);
  return hash;
};
const at = (list: readonly Uint8Array[], index: number) => list[index] as Uint8Array;

function inclusion(index: number, size: number) {
  const proof = inclusionProof(nodeCrypto, read, index, size);
  return { index, size, leaf: at(leaves, index), proof, root: at(roots, size) };
}

function consistency(oldSize: number, newSize: number) {
  const proof = consistencyProof(nodeCrypto, read, oldSize, newSize);
  return { oldSize, newSize, oldRoot: at(roots, oldSize), newRoot: at(roots, newSize), proof };
}

describe('any flipped bit fails', () => {
  const bits = fc.nat({ max: 255 });

  test('in a leaf, a root or a proof of inclusion', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SIZE }), fc.nat(), fc.nat(), bits, (size, leaf, which, bit) => {
        const claim = inclusion(leaf % size, size);
        const flipped = which % (claim.proof.length + 2);
        const proof = claim.proof.map((hash, i) => (i === flipped ? flipBit(hash, bit) : hash));
        const changed = {
          ...claim,
          proof,
          ...(flipped === proof.length ? { leaf: flipBit(claim.leaf, bit) } : {}),
          ...(flipped === proof.length + 1 ? { root: flipBit(claim.root, bit) } : {}),
        };
        expect(verifyInclusion(nodeCrypto, claim).ok).toBe(true);
        expect(verifyInclusion(nodeCrypto, changed).ok).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  test('in a root or a proof of consistency', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SIZE }), fc.nat(), fc.nat(), bits, (newSize, old, which, bit) => {
        const claim = consistency(1 + (old % newSize), newSize);
        const flipped = which % (claim.proof.length + 2);
        const proof = claim.proof.map((hash, i) => (i === flipped ? flipBit(hash, bit) : hash));
        const changed = {
          ...claim,
          proof,
          ...(flipped === proof.length ? { oldRoot: flipBit(claim.oldRoot, bit) } : {}),
          ...(flipped === proof.length + 1 ? { newRoot: flipBit(claim.newRoot, bit) } : {}),
        };
        expect(verifyConsistencyForLog(nodeCrypto, claim).ok).toBe(true);
        expect(verifyConsistencyForLog(nodeCrypto, changed).ok).toBe(false);
        expect(verifyConsistencyForWitness(nodeCrypto, changed).ok).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a claim from an attacker is refused, never thrown on', () => {
  test('a proof that is cut, extended, reordered or of hashes with another length', () => {
    const claim = inclusion(77, 200);
    const step = consistency(77, 200);
    for (const spoil of [
      (proof: Uint8Array[]) => proof.slice(1),
      (proof: Uint8Array[]) => proof.slice(0, -1),
      (proof: Uint8Array[]) => [...proof, at(leaves, 0)],
      (proof: Uint8Array[]) => [at(leaves, 0), ...proof],
      (proof: Uint8Array[]) => [...proof].reverse(),
      (proof: Uint8Array[]) => proof.map((hash) => hash.subarray(1)),
      () => [],
      () => Array.from({ length: 1000 }, () => at(leaves, 0)),
    ]) {
      expect(verifyInclusion(nodeCrypto, { ...claim, proof: spoil(claim.proof) }).ok).toBe(false);
      expect(verifyConsistencyForLog(nodeCrypto, { ...step, proof: spoil(step.proof) }).ok).toBe(false);
    }
  });

  test('indices and sizes that are none', () => {
    for (const number of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(verifyInclusion(nodeCrypto, { ...inclusion(1, 2), index: number }).ok).toBe(false);
      expect(verifyInclusion(nodeCrypto, { ...inclusion(1, 2), size: number }).ok).toBe(false);
      expect(verifyConsistencyForLog(nodeCrypto, { ...consistency(1, 2), oldSize: number }).ok).toBe(false);
      expect(verifyConsistencyForLog(nodeCrypto, { ...consistency(1, 2), newSize: number }).ok).toBe(false);
      expect(verifyConsistencyForWitness(nodeCrypto, { ...consistency(0, 2), newSize: number }).ok).toBe(
        false,
      );
    }
    expect(verifyInclusion(nodeCrypto, { ...inclusion(1, 2), index: 2 }).ok).toBe(false);
  });

  test('a proof for another leaf or another size', () => {
    expect(verifyInclusion(nodeCrypto, { ...inclusion(5, 20), index: 4 }).ok).toBe(false);
    expect(verifyInclusion(nodeCrypto, { ...inclusion(5, 20), leaf: at(leaves, 4) }).ok).toBe(false);
    expect(verifyConsistencyForLog(nodeCrypto, { ...consistency(5, 20), oldSize: 7 }).ok).toBe(false);
    expect(verifyConsistencyForLog(nodeCrypto, { ...consistency(5, 5), newRoot: at(roots, 6) }).ok).toBe(
      false,
    );
  });
});

describe('a root that goes under the name of another size', () => {
  test('is refused although every hash on the way is right', () => {
    const [first, second] = [at(leaves, 0), at(leaves, 1)];
    const inflated = { index: 0, size: 1, leaf: second, proof: [first], root: at(roots, 2) };
    expect(verifyInclusion(nodeCrypto, inflated).ok).toBe(false);
    const shrunk = { ...consistency(7, 8), oldSize: 3, newSize: 4 };
    expect(verifyConsistencyForLog(nodeCrypto, shrunk).ok).toBe(false);
  });
});

describe('an empty old tree', () => {
  test('proves nothing to whoever follows a log', () => {
    expect(verifyConsistencyForLog(nodeCrypto, consistency(0, 7)).ok).toBe(false);
    expect(verifyConsistencyForLog(nodeCrypto, consistency(0, 0)).ok).toBe(false);
  });

  test('is where a witness starts, with an empty proof only', () => {
    expect(verifyConsistencyForWitness(nodeCrypto, consistency(0, 7)).ok).toBe(true);
    expect(verifyConsistencyForWitness(nodeCrypto, { ...consistency(0, 7), proof: [at(leaves, 0)] }).ok).toBe(
      false,
    );
    expect(verifyConsistencyForWitness(nodeCrypto, consistency(0, 0)).ok).toBe(true);
    expect(verifyConsistencyForWitness(nodeCrypto, { ...consistency(0, 0), newRoot: at(roots, 1) }).ok).toBe(
      false,
    );
  });
});

describe('proofs that were made verify', () => {
  test('of inclusion, for every leaf of every size up to 300', () => {
    for (let size = 1; size <= SIZE; size++) {
      expect(rootFrom(nodeCrypto, read, size)).toEqual(roots[size]);
      for (let index = 0; index < size; index++) {
        const check = verifyInclusion(nodeCrypto, inclusion(index, size));
        if (!check.ok) throw new Error(`${index} in ${size}: ${check.reason}`);
      }
    }
  });

  test('of consistency, for every pair of sizes up to 300', () => {
    for (let newSize = 1; newSize <= SIZE; newSize++) {
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        const claim = consistency(oldSize, newSize);
        const check = verifyConsistencyForLog(nodeCrypto, claim);
        if (!check.ok) throw new Error(`${oldSize} to ${newSize}: ${check.reason}`);
      }
    }
  });

  test('what cannot be proven is a mistake of the caller', () => {
    expect(() => inclusionProof(nodeCrypto, read, 5, 5)).toThrow(MerkleError);
    expect(() => inclusionProof(nodeCrypto, read, -1, 5)).toThrow(MerkleError);
    expect(() => consistencyProof(nodeCrypto, read, 6, 5)).toThrow(MerkleError);
  });
});

describe('the published suite', () => {
  testWithCorpus('gives every expected verdict', 'merkle/rfc6962-proofs.tar.gz', (path) => {
    const seen = { inclusion: 0, consistency: 0, acceptedByWitnessOnly: 0 };
    for (const [name, bytes] of unpack(path)) {
      if (!name.endsWith('.json') || !/\/(?:inclusion|consistency)\//.test(name)) continue;
      const json = parseJsonBytes(bytes) as unknown as Case;
      const proof = (json.proof ?? []).map(fromBase64);
      let check: ProofCheck;
      if (name.includes('/inclusion/')) {
        seen.inclusion++;
        check = verifyInclusion(nodeCrypto, {
          index: Number(json.leafIdx),
          size: Number(json.treeSize),
          leaf: fromBase64(json.leafHash),
          proof,
          root: fromBase64(json.root),
        });
      } else {
        seen.consistency++;
        const claim = {
          oldSize: Number(json.size1),
          newSize: Number(json.size2),
          oldRoot: fromBase64(json.root1),
          newRoot: fromBase64(json.root2),
          proof,
        };
        check = verifyConsistencyForLog(nodeCrypto, claim);
        const witness = verifyConsistencyForWitness(nodeCrypto, claim);
        if (witness.ok !== check.ok) seen.acceptedByWitnessOnly++;
      }
      expect(check.ok, name).toBe(!json.wantErr);
    }
    expect(seen).toEqual({ inclusion: 98, consistency: 98, acceptedByWitnessOnly: 3 });
  });
});

interface Case {
  readonly leafIdx: JsonValue;
  readonly treeSize: JsonValue;
  readonly leafHash: string;
  readonly root: string;
  readonly size1: JsonValue;
  readonly size2: JsonValue;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}
