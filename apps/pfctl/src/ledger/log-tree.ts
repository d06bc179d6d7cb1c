// The tree over all entries, built anew. For each entry there are up to three words: the row's own hash, the tile of
// leaf data and the tile of leaf hashes. Where one of them differs from the other two it is the one that is wrong.
import { AppendTree, type Crypto, equalBytes, hex, leafHash, TILE_WIDTH } from '@provability-fabric/kernel';
import type { StoredTile, TilePlace } from '@provability-fabric/storage';
import type { Findings } from './findings.ts';

const HASH_BYTES = 32;
const TILE_HEIGHT = 8;
export const LEAF_DATA_LEVEL = -1;

interface Growing {
  hashes: Uint8Array[];
  tile: number;
}

/** A tile above the leaves, as the entries make it. */
export interface DueTile extends TilePlace {
  readonly hashes: readonly Uint8Array[];
}

export class LogTree {
  readonly #crypto: Crypto;
  readonly #findings: Findings;
  readonly #tree: AppendTree;
  /** Tiles above the leaves, as they should be. */
  readonly #growing = new Map<number, Growing>();
  #due: DueTile[] = [];
  #tiles = new Map<string, Uint8Array>();
  #unknown: number | undefined;

  constructor(crypto: Crypto, findings: Findings) {
    this.#crypto = crypto;
    this.#findings = findings;
    this.#tree = new AppendTree(crypto, (level, index, hash) => {
      if (level > 0 && level % TILE_HEIGHT === 0) this.#grow(level / TILE_HEIGHT, index, hash);
    });
  }

  /** Entries of which no word is left from there on, so that there is no root; undefined for none. */
  get unknownFrom(): number | undefined {
    return this.#unknown;
  }

  root(): Uint8Array {
    return this.#tree.root();
  }

  /** The stored tiles over the entries that come next. */
  use(rows: readonly StoredTile[]): void {
    this.#tiles = new Map(rows.map(({ level, tile, hashes }) => [nameOf(level, tile), hashes]));
  }

  /** `leaf`: SHA-256(salt ‖ envelope) of the row; undefined where it is missing or erased. False where the row is the wrong one. */
  append(index: number, leaf: Uint8Array | undefined): boolean {
    const own = leaf && leafHash(this.#crypto, leaf);
    const data = this.#stored(LEAF_DATA_LEVEL, index);
    const fromData = data && leafHash(this.#crypto, data);
    const fromHashes = this.#stored(0, index);
    const words = [own, fromData, fromHashes].filter((word) => word !== undefined);
    const agreed = words.find((word) => words.filter((other) => equalBytes(word, other)).length > 1);
    const chosen = agreed ?? fromHashes ?? fromData ?? own;
    if (chosen === undefined) this.#unknown ??= index;
    else if (this.#unknown === undefined) this.#tree.append(chosen);
    const rowIsRight = own === undefined || chosen === undefined || equalBytes(own, chosen);
    if (agreed === undefined && words.length > 1) {
      const message = 'the stored statement and the tiles over it agree in nothing';
      this.#findings.add('STATEMENT', `entry ${index}`, message);
      return true;
    }
    for (const [level, word] of [
      [LEAF_DATA_LEVEL, fromData],
      [0, fromHashes],
    ] as const) {
      if (word === undefined || chosen === undefined || equalBytes(word, chosen)) continue;
      this.#wrongTile(level, Math.floor(index / TILE_WIDTH), `its hash for entry ${index} is another one`);
    }
    return rowIsRight;
  }

  /** What is complete above the leaves, and with `end` the rest: to be held against the stored tiles by `compare`. */
  takeDue(end: boolean): readonly DueTile[] {
    const due = this.#due;
    this.#due = [];
    if (end && this.#unknown === undefined) {
      for (const [level, { hashes, tile }] of this.#growing)
        if (hashes.length > 0) due.push({ level, tile, hashes });
    }
    return due;
  }

  compare(due: readonly DueTile[], rows: readonly StoredTile[]): void {
    const stored = new Map(rows.map(({ level, tile, hashes }) => [nameOf(level, tile), hashes]));
    for (const { level, tile, hashes } of due) {
      const found = stored.get(nameOf(level, tile));
      const wrong = hashes.findIndex(
        (hash, place) => hex(hash) !== hex(at(found, place) ?? new Uint8Array()),
      );
      if (wrong < 0) continue;
      const width = TILE_WIDTH ** level;
      const first = (tile * TILE_WIDTH + wrong) * width;
      this.#wrongTile(level, tile, `its hash over entries ${first} to ${first + width - 1} is not theirs`);
    }
  }

  #grow(level: number, index: number, hash: Uint8Array): void {
    const tile = Math.floor(index / TILE_WIDTH);
    const growing = this.#growing.get(level) ?? { hashes: [], tile };
    this.#growing.set(level, growing);
    growing.tile = tile;
    growing.hashes.push(hash);
    if (growing.hashes.length < TILE_WIDTH) return;
    this.#due.push({ level, tile, hashes: growing.hashes });
    growing.hashes = [];
  }

  #stored(level: number, index: number): Uint8Array | undefined {
    const tile = Math.floor(index / TILE_WIDTH);
    const hash = at(this.#tiles.get(nameOf(level, tile)), index % TILE_WIDTH);
    if (hash === undefined) this.#wrongTile(level, tile, `it is missing, or ends before entry ${index}`);
    return hash;
  }

  #wrongTile(level: number, tile: number, message: string): void {
    const where = level === LEAF_DATA_LEVEL ? `tile entries/${tile}` : `tile ${level}/${tile}`;
    this.#findings.addOnce('TILE', where, message);
  }
}

function at(hashes: Uint8Array | undefined, place: number): Uint8Array | undefined {
  if (hashes === undefined || hashes.length < (place + 1) * HASH_BYTES) return undefined;
  return hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES);
}

function nameOf(level: number, tile: number): string {
  return `${level}/${tile}`;
}
