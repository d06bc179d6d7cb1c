// The log's tree: its right edge in memory, everything left of it in tiles on disk. Whoever can write to the
// disk can change a tile, so each one read is held against the hash that its parent tile has for it, and so
// on up to the edge, which was held against a signed checkpoint when the log was opened.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AppendTree,
  type Crypto,
  consistencyProof,
  equalBytes,
  inclusionProof,
  type NodeReader,
  nodeHash,
  rootFrom,
  TILE_WIDTH,
  tilePath,
  treeRoot,
} from '@provability-fabric/kernel';
import { EvidenceError, systemCode } from '../errors.ts';
import { HASH_BYTES, HashList, TILE_BYTES } from './hash-list.ts';

/** Tree levels that one tile spans. */
const TILE_HEIGHT = 8;
/** Full tiles kept after reading, 8 KiB each. */
const CACHED_TILES = 512;
/** Hashes between the levels that tiles hold. */
const CACHED_NODES = 65_536;

export interface TileEdge {
  readonly size: number;
  /** Leaf data: what entry tiles hold. */
  readonly entries: HashList;
  /** By tile level. */
  readonly levels: readonly HashList[];
}

export class TileTree {
  readonly #crypto: Crypto;
  readonly #folder: string;
  readonly #entries: HashList;
  readonly #levels: HashList[];
  readonly #tree: AppendTree;
  readonly #cache = new Map<string, Uint8Array>();
  readonly #inner = new Map<string, Uint8Array>();
  readonly #node: NodeReader = (level, index) => this.#subtree(level, index);

  constructor(crypto: Crypto, folder: string, edge?: TileEdge) {
    this.#crypto = crypto;
    this.#folder = folder;
    this.#entries = edge?.entries ?? new HashList();
    this.#levels = [...(edge?.levels ?? [])];
    const size = edge?.size ?? 0;
    this.#tree = AppendTree.restore(crypto, size, this.#compactRange(size), (level, _index, hash) => {
      if (level % TILE_HEIGHT !== 0) return;
      const hashes = this.#levels[level / TILE_HEIGHT] ?? new HashList();
      this.#levels[level / TILE_HEIGHT] = hashes;
      hashes.push(hash);
    });
  }

  get size(): number {
    return this.#tree.size;
  }

  /** Everything not known to be in a full tile on disk. */
  get edge(): TileEdge {
    return { size: this.size, entries: this.#entries, levels: this.#levels };
  }

  append(leafData: Uint8Array, leafHash: Uint8Array): void {
    this.#entries.push(leafData);
    this.#tree.append(leafHash);
  }

  root(): Uint8Array {
    return this.#tree.root();
  }

  rootAt(size: number): Uint8Array {
    return rootFrom(this.#crypto, this.#node, size);
  }

  leaf(index: number): Uint8Array {
    return this.#hashAt(0, index);
  }

  inclusionProof(index: number, size: number): Uint8Array[] {
    return inclusionProof(this.#crypto, this.#node, index, size);
  }

  consistencyProof(oldSize: number, newSize: number): Uint8Array[] {
    return consistencyProof(this.#crypto, this.#node, oldSize, newSize);
  }

  /** Frees what is in full tiles below `size`, once those are durable. */
  settle(size: number): void {
    let tiles = Math.floor(size / TILE_WIDTH);
    this.#entries.dropBefore(tiles);
    for (const hashes of this.#levels) {
      hashes.dropBefore(tiles);
      tiles = Math.floor(tiles / TILE_WIDTH);
    }
  }

  /** The complete subtrees that make up a tree of `size` leaves, the largest first. */
  #compactRange(size: number): Uint8Array[] {
    const range: Uint8Array[] = [];
    for (let level = 0, left = size; left > 0; level++, left = Math.floor(left / 2)) {
      if (left % 2 === 1) range.unshift(this.#subtree(level, left - 1));
    }
    return range;
  }

  /**
   * A complete subtree never changes, so its hash is kept: the proofs of one tile's entries share most of
   * theirs.
   */
  #subtree(level: number, index: number): Uint8Array {
    if (level % TILE_HEIGHT === 0) return this.#hashAt(level / TILE_HEIGHT, index);
    const name = `${level}/${index}`;
    let hash = this.#inner.get(name);
    if (hash === undefined) {
      const left = this.#subtree(level - 1, 2 * index);
      hash = nodeHash(this.#crypto, left, this.#subtree(level - 1, 2 * index + 1));
      if (this.#inner.size >= CACHED_NODES) this.#inner.clear();
      this.#inner.set(name, hash);
    }
    return hash;
  }

  #hashAt(level: number, index: number): Uint8Array {
    const held = this.#levels[level]?.at(index);
    if (held !== undefined) return held;
    return hashIn(this.#fullTile(level, Math.floor(index / TILE_WIDTH)), index % TILE_WIDTH);
  }

  // Read while the caller waits: proofs need their nodes at once, and a tile is 8 KiB.
  #fullTile(level: number, index: number): Uint8Array {
    const path = tilePath(level, index);
    const cached = this.#cache.get(path);
    if (cached !== undefined) return cached;
    const tile = readTile(join(this.#folder, path));
    const hashes: Uint8Array[] = [];
    for (let i = 0; i < TILE_WIDTH && tile.length === TILE_BYTES; i++) hashes.push(hashIn(tile, i));
    if (!equalBytes(treeRoot(this.#crypto, hashes), this.#hashAt(level + 1, index))) {
      throw damagedTile(join(this.#folder, path), 'does not lead to the hash above it');
    }
    const [oldest] = this.#cache.keys();
    if (this.#cache.size >= CACHED_TILES && oldest !== undefined) this.#cache.delete(oldest);
    this.#cache.set(path, tile);
    return tile;
  }
}

function hashIn(tile: Uint8Array, slot: number): Uint8Array {
  return tile.subarray(slot * HASH_BYTES, (slot + 1) * HASH_BYTES);
}

function readTile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw damagedTile(path, `cannot be read (${systemCode(cause)})`, cause);
  }
}

function damagedTile(path: string, problem: string, cause?: unknown): EvidenceError {
  return new EvidenceError(
    'EVIDENCE_CORRUPT',
    `tile \`${path}\` ${problem}; stop the fabric, move the folder \`log/tile\` aside and start: tiles are written ` +
      'anew from the journal, which is held against the checkpoint',
    cause === undefined ? {} : { cause },
  );
}
