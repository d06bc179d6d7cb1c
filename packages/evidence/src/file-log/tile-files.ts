// C2SP tlog-tiles: which files a tree of some size consists of, and its right edge read back from them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Crypto,
  entriesTilePath,
  equalBytes,
  leafHash,
  TILE_WIDTH,
  tilePath,
} from '@provability-fabric/kernel';
import { HASH_BYTES, HashList } from './hash-list.ts';
import type { TileEdge } from './tile-tree.ts';

export interface TileFile {
  /** Relative to the log's folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly full: boolean;
  /** For a tile that became full: the folder of the partial ones that it replaces. */
  readonly partials: string | undefined;
}

/** A leaf's data is 32 bytes, so each entry of an entry tile begins with this length. */
export const ENTRY_PREFIX = Uint8Array.of(0, HASH_BYTES);
export const ENTRY_BYTES = ENTRY_PREFIX.length + HASH_BYTES;

/**
 * The tiles that a tree of `size` has and one of `writtenSize` had not; a snapshot that later appends leave
 * alone.
 */
export function newTiles(edge: TileEdge, writtenSize: number, size: number): TileFile[] {
  const files: TileFile[] = [];
  collect(files, writtenSize, size, (index, width) => ({
    path: entriesTilePath(index, width),
    bytes: entryTile(edge.entries.tile(index, width)),
  }));
  let [from, to] = [writtenSize, size];
  edge.levels.forEach((hashes, level) => {
    collect(files, from, to, (index, width) => ({
      path: tilePath(level, index, width),
      bytes: hashes.tile(index, width),
    }));
    [from, to] = [Math.floor(from / TILE_WIDTH), Math.floor(to / TILE_WIDTH)];
  });
  return files;
}

function collect(
  files: TileFile[],
  from: number,
  to: number,
  tileAt: (index: number, width: number) => { path: string; bytes: Uint8Array },
): void {
  if (to <= from) return;
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) {
    const width = Math.min(TILE_WIDTH, to - index * TILE_WIDTH);
    const tile = tileAt(index, width);
    const full = width === TILE_WIDTH;
    const wasPartial = from > index * TILE_WIDTH;
    files.push({ ...tile, full, partials: full && wasPartial ? `${tile.path}.p` : undefined });
  }
}

/**
 * The right edge of a tree of `size`, from its partial tiles; undefined where one is missing or of another
 * length. The caller holds the root that follows from it against the checkpoint: until then nothing here is
 * trusted.
 */
export async function readEdge(crypto: Crypto, folder: string, size: number): Promise<TileEdge | undefined> {
  const levels: HashList[] = [];
  let started: Uint8Array = new Uint8Array(0);
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) {
    const width = count % TILE_WIDTH;
    const index = Math.floor(count / TILE_WIDTH);
    const paths = [tilePath(level, index, width || 1), tilePath(level, index)];
    const hashes = await readStart(folder, paths, width * HASH_BYTES);
    if (hashes === undefined) return undefined;
    if (level === 0) started = hashes;
    levels.push(new HashList(index, hashes));
  }
  const index = Math.floor(size / TILE_WIDTH);
  const width = size % TILE_WIDTH;
  const paths = [entriesTilePath(index, width || 1), entriesTilePath(index)];
  const entries = await readStart(folder, paths, width * ENTRY_BYTES);
  const data = entries && entryData(crypto, entries, started);
  return data && { size, entries: new HashList(index, data), levels };
}

/**
 * The first `length` bytes of the first of these files that has them: a full tile begins like the partial one
 * it replaced.
 */
async function readStart(
  folder: string,
  paths: readonly string[],
  length: number,
): Promise<Uint8Array | undefined> {
  if (length === 0) return new Uint8Array(0);
  for (const path of paths) {
    const bytes = await readFile(join(folder, path)).catch(() => undefined);
    if (bytes !== undefined && bytes.length >= length) return bytes.subarray(0, length);
  }
  return undefined;
}

function entryTile(data: Uint8Array): Uint8Array {
  const count = data.length / HASH_BYTES;
  const tile = new Uint8Array(count * ENTRY_BYTES);
  for (let i = 0; i < count; i++) {
    tile.set(ENTRY_PREFIX, i * ENTRY_BYTES);
    tile.set(data.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), i * ENTRY_BYTES + ENTRY_PREFIX.length);
  }
  return tile;
}

/**
 * The leaf data of an entry tile whose every entry has the hash that the level 0 tile says; undefined
 * otherwise.
 */
function entryData(crypto: Crypto, tile: Uint8Array, hashes: Uint8Array): Uint8Array | undefined {
  const data = new Uint8Array(hashes.length);
  for (let i = 0; i * HASH_BYTES < hashes.length; i++) {
    const entry = tile.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES);
    const leaf = entry.subarray(ENTRY_PREFIX.length);
    const hash = hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
    const prefixed = equalBytes(entry.subarray(0, ENTRY_PREFIX.length), ENTRY_PREFIX);
    if (!prefixed || !equalBytes(leafHash(crypto, leaf), hash)) return undefined;
    data.set(leaf, i * HASH_BYTES);
  }
  return data;
}
