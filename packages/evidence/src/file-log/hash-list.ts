import { TILE_WIDTH } from '@provability-fabric/kernel';

export const HASH_BYTES = 32;
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** The hashes of one tile level from some tile on. What was pushed never changes, so views stay valid. */
export class HashList {
  #firstTile: number;
  #tiles: Uint8Array[] = [];
  #length: number;

  /** Continues after `firstTile` full tiles, with the hashes of the tile that is being filled. */
  constructor(firstTile = 0, started: Uint8Array = new Uint8Array(0)) {
    this.#firstTile = firstTile;
    this.#length = firstTile * TILE_WIDTH;
    for (let at = 0; at < started.length; at += HASH_BYTES) this.push(started.subarray(at, at + HASH_BYTES));
  }

  /** How many hashes the level has, those on disk included. */
  get length(): number {
    return this.#length;
  }

  push(hash: Uint8Array): void {
    const slot = this.#length % TILE_WIDTH;
    if (slot === 0) this.#tiles.push(new Uint8Array(TILE_BYTES));
    (this.#tiles.at(-1) as Uint8Array).set(hash, slot * HASH_BYTES);
    this.#length++;
  }

  /** undefined where the hash is on disk only. */
  at(index: number): Uint8Array | undefined {
    const tile = this.#tiles[Math.floor(index / TILE_WIDTH) - this.#firstTile];
    if (tile === undefined || index >= this.#length) return undefined;
    const start = (index % TILE_WIDTH) * HASH_BYTES;
    return tile.subarray(start, start + HASH_BYTES);
  }

  /** The first `width` hashes of a tile that is held here. */
  tile(index: number, width: number): Uint8Array {
    const tile = this.#tiles[index - this.#firstTile];
    if (tile === undefined) throw new Error(`tile ${index} is no longer in memory`);
    return tile.subarray(0, width * HASH_BYTES);
  }

  dropBefore(tile: number): void {
    if (tile <= this.#firstTile) return;
    this.#tiles.splice(0, tile - this.#firstTile);
    this.#firstTile = tile;
  }
}
