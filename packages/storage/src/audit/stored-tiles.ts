import type { Database } from '../database/database.ts';
import { readAsAuditor } from './read-as-auditor.ts';

export interface TilePlace {
  /** -1: leaf data. */
  readonly level: number;
  readonly tile: number;
}

export interface StoredTile extends TilePlace {
  readonly hashes: Uint8Array;
}

const TILES = `
  select t.level, t.tile, t.hashes from pf.tiles t
  join unnest($1::smallint[], $2::bigint[]) as w (level, tile) on t.level = w.level and t.tile = w.tile`;

/** Those of the places that there are, in no order. */
export function readStoredTiles(
  database: Database,
  places: readonly TilePlace[],
): Promise<readonly StoredTile[]> {
  return readAsAuditor(database, TILES, [places.map(({ level }) => level), places.map(({ tile }) => tile)]);
}
