// Proofs out of stored tiles. The kernel asks for nodes one after the other and at once, the database answers
// in its own time: so a first run finds out which nodes there will be, and a second one has their tiles.
import {
  type Crypto,
  consistencyProof,
  inclusionProof,
  type NodeReader,
  TILE_WIDTH,
  treeRoot,
} from '@provability-fabric/kernel';
import type { Transaction } from '../database/database.ts';
import { corrupt } from './envelope.ts';

/** Tree levels that one tile spans. */
const TILE_HEIGHT = 8;
const HASH_BYTES = 32;

interface TileRow {
  readonly level: number;
  readonly tile: number;
  readonly hashes: Uint8Array;
}

export async function readConsistency(
  crypto: Crypto,
  tx: Transaction,
  oldSize: number,
  newSize: number,
): Promise<readonly Uint8Array[]> {
  return withNodes(crypto, tx, (read) => consistencyProof(crypto, read, oldSize, newSize));
}

export interface ProvenLeaf {
  readonly leaf: Uint8Array;
  readonly path: readonly Uint8Array[];
}

export async function readInclusions(
  crypto: Crypto,
  tx: Transaction,
  indices: readonly number[],
  size: number,
): Promise<readonly ProvenLeaf[]> {
  return withNodes(crypto, tx, (read) =>
    indices.map((index) => ({ leaf: read(0, index), path: inclusionProof(crypto, read, index, size) })),
  );
}

async function withNodes<T>(crypto: Crypto, tx: Transaction, run: (read: NodeReader) => T): Promise<T> {
  const wanted = new Map<string, { readonly level: number; readonly tile: number }>();
  run((level, index) => {
    const place = placeOf(level, index);
    wanted.set(`${place.level}/${place.tile}`, place);
    return new Uint8Array(HASH_BYTES);
  });
  const places = [...wanted.values()];
  const rows = await tx.query<TileRow>(
    `select t.level, t.tile, t.hashes from pf.tiles t
     join unnest($1::smallint[], $2::bigint[]) as w (level, tile) on t.level = w.level and t.tile = w.tile`,
    [places.map(({ level }) => level), places.map(({ tile }) => tile)],
  );
  const tiles = new Map(rows.map(({ level, tile, hashes }) => [`${level}/${tile}`, hashes]));
  const nodes = new Map<string, Uint8Array>();
  return run((level, index) => {
    const name = `${level}/${index}`;
    const known = nodes.get(name);
    if (known !== undefined) return known;
    const place = placeOf(level, index);
    const stored = tiles.get(`${place.level}/${place.tile}`);
    if (stored === undefined || stored.length < (place.slot + place.width) * HASH_BYTES) {
      throw corrupt(`tile ${place.tile} of level ${place.level} is missing or too short`);
    }
    const hashes: Uint8Array[] = [];
    for (let at = place.slot; at < place.slot + place.width; at++) {
      hashes.push(new Uint8Array(stored.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)));
    }
    const node = treeRoot(crypto, hashes);
    nodes.set(name, node);
    return node;
  });
}

/** Where the hashes lie that a node stands over: `width` of them from `slot` on, all in one tile. */
function placeOf(level: number, index: number) {
  const width = 2 ** (level % TILE_HEIGHT);
  const first = index * width;
  return {
    level: Math.floor(level / TILE_HEIGHT),
    tile: Math.floor(first / TILE_WIDTH),
    slot: first % TILE_WIDTH,
    width,
  };
}
