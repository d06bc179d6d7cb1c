import {
  consistencyProof,
  equalBytes,
  leafHash,
  TILE_WIDTH,
  treeRoot,
  verifyConsistencyForLog,
} from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../node-crypto.ts';
import { edgeOf, openLedgerTree, type TreeTile } from './ledger-tree.ts';

const crypto = nodeCrypto();
const leaf = (index: number) => {
  const data = new Uint8Array(32);
  new DataView(data.buffer).setUint32(0, index);
  return data;
};

/** A store of tiles, as a database has one: every growth starts from what is stored. */
class Tiles {
  readonly #tiles = new Map<string, TreeTile>();
  size = 0;
  root = crypto.sha256(new Uint8Array(0));

  edge(): TreeTile[] {
    return edgeOf(this.size).flatMap(({ level, tile }) => this.#tiles.get(`${level}/${tile}`) ?? []);
  }

  grow(count: number): readonly TreeTile[] {
    const tree = openLedgerTree(crypto, { size: this.size, root: this.root, edge: this.edge() });
    if (tree === undefined) throw new Error('the edge does not lead to the root');
    for (let i = 0; i < count; i++) tree.append(leaf(this.size + i));
    const changed = tree.changedTiles();
    for (const tile of changed) {
      this.#tiles.set(`${tile.level}/${tile.tile}`, { ...tile, hashes: tile.hashes.slice() });
    }
    [this.size, this.root] = [tree.size, tree.root()];
    return changed;
  }

  hash(level: number, index: number): Uint8Array {
    const tile = this.#tiles.get(`${level}/${Math.floor(index / TILE_WIDTH)}`);
    const start = (index % TILE_WIDTH) * 32;
    return tile?.hashes.subarray(start, start + 32) ?? new Uint8Array(0);
  }

  node(level: number, index: number): Uint8Array {
    const width = 2 ** (level % 8);
    const hashes = Array.from({ length: width }, (_, i) =>
      this.hash(Math.floor(level / 8), index * width + i),
    );
    return treeRoot(crypto, hashes);
  }
}

describe('the ledger tree', () => {
  it('is not opened with an edge in which any bit of any tile is another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(), fc.nat(), (size, tile, bit) => {
        const tiles = new Tiles();
        tiles.grow(size);
        const edge = tiles.edge();
        fc.pre(edge.length > 0);
        const broken = edge.map((one) => ({ ...one, hashes: one.hashes.slice() }));
        const { hashes } = broken[tile % broken.length] as TreeTile;
        const at = bit % (hashes.length * 8);
        hashes[at >> 3] = (hashes[at >> 3] as number) ^ (1 << (at & 7));
        const { root } = tiles;
        return openLedgerTree(crypto, { size, root, edge: broken }) === undefined;
      }),
      { numRuns: 60 },
    );
  });

  it('is not opened with a tile missing, too long, too short, or for another size or root', () => {
    const tiles = new Tiles();
    tiles.grow(700);
    const [edge, { size, root }] = [tiles.edge(), tiles];
    const longer = edge.map((one) => ({ ...one, hashes: new Uint8Array(one.hashes.length + 32) }));
    const shorter = edge.map((one) => ({ ...one, hashes: one.hashes.subarray(32) }));
    for (const other of [[], edge.slice(1), edge.slice(0, -1), longer, shorter]) {
      expect(openLedgerTree(crypto, { size, root, edge: other })).toBeUndefined();
    }
    expect(openLedgerTree(crypto, { size: 699, root, edge })).toBeUndefined();
    expect(openLedgerTree(crypto, { size, root: leaf(0), edge })).toBeUndefined();
    expect(openLedgerTree(crypto, { size, root, edge })?.size).toBe(700);
  });

  it('has the root of RFC 6962 however it is grown, and each size extends all before it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 8 }), (steps) => {
        const tiles = new Tiles();
        const shown: { size: number; root: Uint8Array }[] = [];
        for (const step of steps) {
          tiles.grow(step);
          shown.push({ size: tiles.size, root: tiles.root });
        }
        const leaves = Array.from({ length: tiles.size }, (_, index) => leafHash(crypto, leaf(index)));
        for (const { size, root } of shown) {
          expect(root).toEqual(treeRoot(crypto, leaves.slice(0, size)));
          if (size === 0) continue;
          const proof = consistencyProof(
            crypto,
            (level, index) => tiles.node(level, index),
            size,
            tiles.size,
          );
          const claim = { oldSize: size, newSize: tiles.size, oldRoot: root, newRoot: tiles.root, proof };
          expect(verifyConsistencyForLog(crypto, claim)).toEqual({ ok: true });
        }
        const wrong = leaves.findIndex(
          (hash, index) => !equalBytes(leafHash(crypto, tiles.hash(-1, index)), hash),
        );
        expect(wrong).toBe(-1);
      }),
      { numRuns: 12 },
    );
  });

  it('carries over into the third level of tiles', () => {
    const tiles = new Tiles();
    tiles.grow(65_535);
    expect(edgeOf(tiles.size)).toHaveLength(3);
    tiles.grow(1);
    expect(edgeOf(tiles.size).map(({ level }) => level)).toEqual([2]);
    tiles.grow(300);
    const leaves = Array.from({ length: tiles.size }, (_, index) => leafHash(crypto, leaf(index)));
    expect(tiles.root).toEqual(treeRoot(crypto, leaves));
  });

  it('names as changed only tiles in which a hash is new', () => {
    const tiles = new Tiles();
    tiles.grow(256);
    expect(tiles.grow(0)).toEqual([]);
    const changed = tiles.grow(10).map(({ level, tile, hashes }) => [level, tile, hashes.length / 32]);
    expect(changed).toEqual([
      [-1, 1, 10],
      [0, 1, 10],
    ]);
  });
});
