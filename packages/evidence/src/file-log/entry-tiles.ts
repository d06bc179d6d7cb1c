import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entriesTilePath, TILE_WIDTH } from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';
import { HASH_BYTES } from './hash-list.ts';
import { ENTRY_BYTES, ENTRY_PREFIX } from './tile-files.ts';

/**
 * The data of the first `count` leaves, from the entry tiles of a log of `size`: all that is left here of entries
 * that were freed. Nothing vouches for it but the root that it leads to, which the caller compares.
 */
export async function* leafDataInTiles(
  folder: string,
  size: number,
  count: number,
): AsyncGenerator<Uint8Array> {
  for (let index = 0; index * TILE_WIDTH < count; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const wanted = Math.min(TILE_WIDTH, count - index * TILE_WIDTH);
    const tile = await readTile(folder, index, width, wanted * ENTRY_BYTES);
    for (let at = ENTRY_PREFIX.length; at < wanted * ENTRY_BYTES; at += ENTRY_BYTES) {
      yield tile.subarray(at, at + HASH_BYTES);
    }
  }
}

async function readTile(folder: string, index: number, width: number, bytes: number): Promise<Buffer> {
  // A full tile begins like the partial one that it replaced.
  for (const path of [entriesTilePath(index), entriesTilePath(index, width)]) {
    const tile = await readFile(join(folder, path)).catch(() => undefined);
    if (tile !== undefined && tile.length >= bytes) return tile;
  }
  throw new EvidenceError(
    'EVIDENCE_CORRUPT',
    `tile \`${join(folder, entriesTilePath(index))}\` is missing or cut off, and its entries were freed from the ` +
      'journal; put it back from a backup. Nothing was changed',
  );
}
