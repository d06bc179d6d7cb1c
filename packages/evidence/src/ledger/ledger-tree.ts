// The ledger's tree as it grows by a batch: from the stored tiles of its right edge to the tiles that change.
import {
  AppendTree,
  type Crypto,
  equalBytes,
  leafHash,
  TILE_WIDTH,
  treeRoot,
} from '@provability-fabric/kernel';
import { HASH_BYTES, HashList } from '../file-log/hash-list.ts';

/** Tree levels that one tile spans. */
const TILE_HEIGHT = 8;
/** The level of tiles that hold leaf data, of which level 0 has the hashes. */
const LEAF_DATA_LEVEL = -1;

/** C2SP tlog-tiles: up to 256 hashes of 32 bytes each. */
export interface TreeTile {
  /** -1 for leaf data. */
  readonly level: number;
  readonly tile: number;
  readonly hashes: Uint8Array;
}

export interface LedgerTree {
  readonly size: number;
  root(): Uint8Array;
  append(leafData: Uint8Array): void;
  /** What the tree has that the stored one had not, whole tiles from their first hash. */
  changedTiles(): readonly TreeTile[];
}

/** Which tiles are partly filled in a tree of that size: what `openLedgerTree` has to be given. */
export function edgeOf(size: number): readonly { readonly level: number; readonly tile: number }[] {
  const edge: { level: number; tile: number }[] = [];
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    if (count % TILE_WIDTH === 0) continue;
    const tile = Math.floor(count / TILE_WIDTH);
    if (level === 0) edge.push({ level: LEAF_DATA_LEVEL, tile });
    edge.push({ level, tile });
  }
  return edge;
}

/**
 * undefined where the tiles are not the right edge of a tree of that size and root. The caller has held both
 * against a signed checkpoint; the tiles may come from anybody who can write to the database.
 */
export function openLedgerTree(
  crypto: Crypto,
  stored: { readonly size: number; readonly root: Uint8Array; readonly edge: readonly TreeTile[] },
): LedgerTree | undefined {
  const lists = new Map<number, HashList>();
  for (const { level, tile } of edgeOf(stored.size)) {
    const width = countAt(stored.size, level) % TILE_WIDTH;
    const hashes = stored.edge.find((given) => given.level === level && given.tile === tile)?.hashes;
    if (hashes?.length !== width * HASH_BYTES) return undefined;
    lists.set(level, new HashList(tile, hashes));
  }
  const listAt = (level: number) => {
    const list = lists.get(level) ?? new HashList(Math.floor(countAt(stored.size, level) / TILE_WIDTH));
    lists.set(level, list);
    return list;
  };
  if (!leavesMatch(crypto, stored.size, listAt)) return undefined;
  const range = compactRange(crypto, stored.size, listAt);
  const tree = AppendTree.restore(crypto, stored.size, range, (level, _index, hash) => {
    if (level % TILE_HEIGHT === 0) listAt(level / TILE_HEIGHT).push(hash);
  });
  if (!equalBytes(tree.root(), stored.root)) return undefined;
  return {
    get size() {
      return tree.size;
    },
    root: () => tree.root(),
    append(leafData) {
      listAt(LEAF_DATA_LEVEL).push(leafData);
      tree.append(leafHash(crypto, leafData));
    },
    changedTiles: () => [...lists].flatMap(([level, list]) => changes(stored.size, level, list)),
  };
}

/** How many hashes a tile level of a tree of that size has. */
function countAt(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** Math.max(level, 0));
}

function changes(oldSize: number, level: number, list: HashList): readonly TreeTile[] {
  const tiles: TreeTile[] = [];
  const before = countAt(oldSize, level);
  if (list.length === before) return tiles;
  for (let tile = Math.floor(before / TILE_WIDTH); tile * TILE_WIDTH < list.length; tile++) {
    const width = Math.min(TILE_WIDTH, list.length - tile * TILE_WIDTH);
    tiles.push({ level, tile, hashes: list.tile(tile, width) });
  }
  return tiles;
}

function leavesMatch(crypto: Crypto, size: number, listAt: (level: number) => HashList): boolean {
  for (let index = size - (size % TILE_WIDTH); index < size; index++) {
    const [data, hash] = [listAt(LEAF_DATA_LEVEL).at(index), listAt(0).at(index)];
    if (data === undefined || hash === undefined || !equalBytes(leafHash(crypto, data), hash)) return false;
  }
  return true;
}

/** The complete subtrees that make up the tree, the largest first. Each lies within one tile of the edge. */
function compactRange(crypto: Crypto, size: number, listAt: (level: number) => HashList): Uint8Array[] {
  const range: Uint8Array[] = [];
  for (let level = 0, left = size; left > 0; level++, left = Math.floor(left / 2)) {
    if (left % 2 === 0) continue;
    const width = 2 ** (level % TILE_HEIGHT);
    const list = listAt(Math.floor(level / TILE_HEIGHT));
    const hashes = Array.from({ length: width }, (_, i) => list.at((left - 1) * width + i) as Uint8Array);
    range.unshift(treeRoot(crypto, hashes));
  }
  return range;
}
