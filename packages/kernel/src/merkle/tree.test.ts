import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../test/node-crypto.ts';
import {
  AppendTree,
  emptyRoot,
  entriesTilePath,
  hex,
  leafHash,
  MerkleError,
  nodeHash,
  rootFrom,
  tilePath,
  treeRoot,
  utf8,
} from '../index.ts';

const leaves = Array.from({ length: 300 }, (_, i) => leafHash(nodeCrypto, utf8(`entry ${i}`)));

/** RFC 6962 §2.1, word for word. */
function definition(list: readonly Uint8Array[]): Uint8Array {
  if (list.length === 0) return emptyRoot(nodeCrypto);
  if (list.length === 1) return list[0] as Uint8Array;
  let k = 1;
  while (k * 2 < list.length) k *= 2;
  return nodeHash(nodeCrypto, definition(list.slice(0, k)), definition(list.slice(k)));
}

describe('hashes', () => {
  test('an entry cannot pose as an inner node, nor a border move between two hashes', () => {
    const [left, right] = [leaves[0] as Uint8Array, leaves[1] as Uint8Array];
    const forged = leafHash(nodeCrypto, new Uint8Array([...left, ...right]));
    expect(hex(forged)).not.toBe(hex(nodeHash(nodeCrypto, left, right)));
    const shifted = new Uint8Array([...left, right[0] as number]);
    expect(() => nodeHash(nodeCrypto, shifted, right.subarray(1))).toThrow(MerkleError);
  });

  test('known values of RFC 6962', () => {
    expect(hex(emptyRoot(nodeCrypto))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(hex(leafHash(nodeCrypto, new Uint8Array(0)))).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
  });
});

describe('a growing tree', () => {
  test('leaves of another length and impossible compact ranges are refused', () => {
    const tree = new AppendTree(nodeCrypto);
    expect(() => tree.append(new Uint8Array(31))).toThrow(MerkleError);
    expect(tree.size).toBe(0);
    for (const [size, hashes] of [
      [1, 0],
      [3, 1],
      [4, 2],
      [0, 1],
      [-1, 0],
      [1.5, 1],
    ] as const) {
      expect(() => AppendTree.restore(nodeCrypto, size, leaves.slice(0, hashes))).toThrow(MerkleError);
    }
    expect(() => AppendTree.restore(nodeCrypto, 1, [new Uint8Array(31)])).toThrow(MerkleError);
  });

  test('has at every size the root of the definition, and every complete node is told once', () => {
    const nodes = new Map<string, Uint8Array>();
    const tree = new AppendTree(nodeCrypto, (level, index, hash) => {
      expect(nodes.has(`${level}/${index}`)).toBe(false);
      nodes.set(`${level}/${index}`, hash);
    });
    for (let size = 0; size <= leaves.length; size++) {
      const root = hex(definition(leaves.slice(0, size)));
      expect(tree.size).toBe(size);
      expect(hex(tree.root())).toBe(root);
      expect(hex(treeRoot(nodeCrypto, leaves.slice(0, size)))).toBe(root);
      const read = (level: number, index: number) => nodes.get(`${level}/${index}`) as Uint8Array;
      expect(hex(rootFrom(nodeCrypto, read, size))).toBe(root);
      let complete = 0;
      for (let width = 1; width <= size; width *= 2) complete += Math.floor(size / width);
      expect(nodes.size).toBe(complete);
      if (size < leaves.length) tree.append(leaves[size] as Uint8Array);
    }
  });

  test('goes on from its compact range as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.nat({ max: 60 }), (before, after) => {
        const whole = new AppendTree(nodeCrypto);
        for (const leaf of leaves.slice(0, before)) whole.append(leaf);
        const told: string[] = [];
        const restored = AppendTree.restore(nodeCrypto, before, whole.compactRange());
        restored.onNode = (level, index, hash) => told.push(`${level}/${index}/${hex(hash)}`);
        const expected: string[] = [];
        whole.onNode = (level, index, hash) => expected.push(`${level}/${index}/${hex(hash)}`);
        for (const leaf of leaves.slice(before, before + after)) {
          whole.append(leaf);
          restored.append(leaf);
        }
        expect(hex(restored.root())).toBe(hex(whole.root()));
        expect(told).toEqual(expected);
      }),
    );
  });

  test('indices beyond 32 bits are exact', () => {
    const size = 2 ** 40 + 1;
    const told: string[] = [];
    const tree = AppendTree.restore(nodeCrypto, size, leaves.slice(0, 2), (level, index) =>
      told.push(`${level}/${index}`),
    );
    tree.append(leaves[2] as Uint8Array);
    expect(told).toEqual([`0/${size}`, `1/${2 ** 39}`]);
    expect(tree.compactRange()).toHaveLength(2);
  });
});

describe('tile paths', () => {
  test('what lies outside the specification is refused', () => {
    for (const call of [
      () => tilePath(-1, 0),
      () => tilePath(64, 0),
      () => tilePath(0, -1),
      () => tilePath(0, 0.5),
      () => tilePath(0, 0, 0),
      () => tilePath(0, 0, 257),
      () => entriesTilePath(2 ** 53),
    ]) {
      expect(call).toThrow(MerkleError);
    }
  });

  test('follow C2SP tlog-tiles', () => {
    expect(tilePath(0, 0)).toBe('tile/0/000');
    expect(tilePath(0, 1234067)).toBe('tile/0/x001/x234/067');
    expect(tilePath(2, 1000, 5)).toBe('tile/2/x001/000.p/5');
    expect(tilePath(0, 1234, 256)).toBe('tile/0/x001/234');
    expect(entriesTilePath(1234067, 255)).toBe('tile/entries/x001/x234/067.p/255');
    expect(entriesTilePath(999)).toBe('tile/entries/999');
  });
});
