import { nodeCrypto, openLedgerTree, type TreeTile } from '@provability-fabric/evidence';
import { emptyRoot, hex, utf8 } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Findings } from './findings.ts';
import { LogTree } from './log-tree.ts';

const crypto = nodeCrypto();

function grown(size: number): { leaves: Uint8Array[]; tiles: TreeTile[]; root: string } {
  const tree = openLedgerTree(crypto, { size: 0, root: emptyRoot(crypto), edge: [] });
  if (tree === undefined) throw new Error('expected an empty tree');
  const leaves = Array.from({ length: size }, (_, index) => crypto.sha256(utf8(`leaf ${index}`)));
  for (const leaf of leaves) tree.append(leaf);
  const tiles = tree.changedTiles().map((tile) => ({ ...tile, hashes: new Uint8Array(tile.hashes) }));
  return { leaves, tiles, root: hex(tree.root()) };
}

function walk(leaves: readonly (Uint8Array | undefined)[], tiles: readonly TreeTile[]) {
  const findings = new Findings();
  const tree = new LogTree(crypto, findings);
  tree.use(tiles);
  const wrongRows = leaves.flatMap((leaf, index) => (tree.append(index, leaf) ? [] : [index]));
  tree.compare(tree.takeDue(true), tiles);
  return { root: hex(tree.root()), wrongRows, named: findings.kept.map(({ where }) => where), tree };
}

const nameOf = ({ level, tile }: TreeTile) => `tile ${level < 0 ? 'entries' : level}/${tile}`;

describe('the tree built anew', () => {
  test('is the one that was stored, with tiles on three levels too', () => {
    for (const size of [1, 255, 256, 257, 65_536 + 300]) {
      const { leaves, tiles, root } = grown(size);
      expect(walk(leaves, tiles), `${size}`).toMatchObject({ root, wrongRows: [], named: [] });
    }
  });

  test('names the one tile in which any byte was changed, or that is short, and keeps the root', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (size, which, byte, cut) => {
          const { leaves, tiles, root } = grown(size);
          const tile = tiles[which % tiles.length] as TreeTile;
          const at = byte % tile.hashes.length;
          if (cut) Object.assign(tile, { hashes: tile.hashes.subarray(0, at) });
          else tile.hashes[at] = (tile.hashes[at] as number) ^ 1;
          expect(walk(leaves, tiles)).toMatchObject({ root, wrongRows: [], named: [nameOf(tile)] });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('names the one row that is another, and takes the tiles’ word for one that is gone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.nat(), fc.boolean(), (size, which, gone) => {
        const { leaves, tiles, root } = grown(size);
        const index = which % size;
        const changed = leaves.with(index, crypto.sha256(leaves[index] as Uint8Array));
        const given = gone ? (changed as (Uint8Array | undefined)[]).with(index, undefined) : changed;
        expect(walk(given, tiles)).toMatchObject({ root, wrongRows: gone ? [] : [index], named: [] });
      }),
      { numRuns: 60 },
    );
  });

  test('has no root where neither row nor tile is left', () => {
    const { leaves, tiles } = grown(3);
    const left = tiles.map((tile) => ({ ...tile, hashes: tile.hashes.subarray(0, 64) }));
    const given = (leaves as (Uint8Array | undefined)[]).with(2, undefined);
    expect(walk(given, left).tree.unknownFrom).toBe(2);
    expect(walk(leaves, left).tree.unknownFrom).toBeUndefined();
  });
});
