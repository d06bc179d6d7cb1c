// C2SP tlog-tiles out of the database. A path comes from a stranger: only the one spelling that the
// specification gives a tile is known.
import { entriesTilePath, TILE_WIDTH, tilePath } from '@provability-fabric/kernel';
import type { Transaction } from '../database/database.ts';
import { corrupt } from './envelope.ts';

const HASH_BYTES = 32;
/** As the database numbers the tiles of leaf data. */
const ENTRIES_LEVEL = -1;
/** 256^6 leaves are more than 2^53 - 1 divided by 32. */
const MOST_LEVELS = 7;

interface TilePlace {
  readonly level: number;
  readonly tile: number;
  readonly width: number;
}

/** `0/x001/067` or `entries/000.p/5`; undefined for anything else. */
export function parseTilePath(path: string): TilePlace | undefined {
  const match = /^(entries|[0-6])\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (match === null) return undefined;
  const [, kind, digits = '', partial] = match;
  const tile = Number(digits.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (width < 1 || (partial !== undefined && width >= TILE_WIDTH)) return undefined;
  const level = kind === 'entries' ? ENTRIES_LEVEL : Number(kind);
  const spelled = level === ENTRIES_LEVEL ? entriesTilePath(tile, width) : tilePath(level, tile, width);
  return level < MOST_LEVELS && spelled === `tile/${path}` ? { level, tile, width } : undefined;
}

/** Null for a tile that the tree does not have yet. */
export async function readTile(
  tx: Transaction,
  { level, tile, width }: TilePlace,
): Promise<Uint8Array | null> {
  const [row] = await tx.query<{ size: number; hashes: Uint8Array | null }>(
    `select l.size, t.hashes from pf.log_state l left join pf.tiles t on t.level = $1 and t.tile = $2`,
    [level, tile],
  );
  if (row === undefined) return null;
  const hashes = Math.floor(row.size / TILE_WIDTH ** Math.max(level, 0));
  if (hashes < tile * TILE_WIDTH + width) return null;
  if (row.hashes === null || row.hashes.length < width * HASH_BYTES) {
    throw corrupt(`tile ${tile} of level ${level} is missing or too short`);
  }
  const bytes = new Uint8Array(row.hashes.subarray(0, width * HASH_BYTES));
  return level === ENTRIES_LEVEL ? withLengths(bytes) : bytes;
}

/** An entry bundle: each entry after its length in two bytes. */
function withLengths(data: Uint8Array): Uint8Array {
  const count = data.length / HASH_BYTES;
  const bundle = new Uint8Array(count * (HASH_BYTES + 2));
  for (let i = 0; i < count; i++) {
    const at = i * (HASH_BYTES + 2);
    bundle[at + 1] = HASH_BYTES;
    bundle.set(data.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), at + 2);
  }
  return bundle;
}
