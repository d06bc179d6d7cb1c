import { dirname, join } from 'node:path';
import { formatCheckpoint, type NoteSigner, signNote, utf8 } from '@provability-fabric/kernel';
import { EvidenceError, systemCode } from '../errors.ts';
import type { Emit } from '../ports.ts';
import type { PublishedCheckpoint } from './checkpoint-file.ts';
import type { LogFiles } from './log-files.ts';
import { newTiles, type TileFile } from './tile-files.ts';
import type { TileTree } from './tile-tree.ts';

/** After a failed attempt the next waits longer, up to this: a full disk is not helped by trying. */
const MAX_RETRY_MS = 5_000;

/**
 * Tiles on their way to the disk together. One after the other they fall behind a busy journal by seconds.
 */
const TILES_AT_ONCE = 4;

/**
 * Signs the tree as it grows. The tree holds durable entries only, and the tiles of a size are durable before
 * its checkpoint is: whoever reads a checkpoint finds everything that it covers.
 */
export class CheckpointPublisher {
  readonly #files: LogFiles;
  readonly #folder: string;
  readonly #tree: TileTree;
  readonly #origin: string;
  readonly #signer: NoteSigner;
  readonly #everyMs: number;
  readonly #everyEntries: number;
  readonly #emit: Emit;
  #published: PublishedCheckpoint | undefined;
  #tilesSize: number;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: {
    readonly files: LogFiles;
    /** The folder `log`. */
    readonly folder: string;
    readonly tree: TileTree;
    readonly origin: string;
    readonly signer: NoteSigner;
    readonly everyMs: number;
    readonly everyEntries: number;
    readonly emit: Emit;
    readonly published: PublishedCheckpoint | undefined;
    /** Tiles of this size are on disk; below the published size where they are to be written anew. */
    readonly tilesSize: number;
  }) {
    this.#files = options.files;
    this.#folder = options.folder;
    this.#tree = options.tree;
    this.#origin = options.origin;
    this.#signer = options.signer;
    this.#everyMs = options.everyMs;
    this.#everyEntries = options.everyEntries;
    this.#emit = options.emit;
    this.#published = options.published;
    this.#tilesSize = options.tilesSize;
  }

  /** The newest; `publish` has succeeded once before this is asked for. */
  get published(): PublishedCheckpoint {
    if (this.#published === undefined) throw new Error('no checkpoint was published yet');
    return this.#published;
  }

  /** Durable entries were added. */
  grew(): void {
    if (this.#closed || this.#running !== undefined) return; // a running attempt looks again when done
    if (this.#failures === 0 && this.#tree.size - this.published.size >= this.#everyEntries) {
      this.#inBackground();
    } else if (this.#timer === undefined) {
      const wait = Math.min(this.#everyMs * 2 ** this.#failures, Math.max(MAX_RETRY_MS, this.#everyMs));
      // The timer alone keeps no process alive: entries are durable, and `close` publishes.
      this.#timer = setTimeout(() => this.#inBackground(), wait).unref();
    }
  }

  /** Publishes a checkpoint over everything that is durable now, unless there is one. */
  async publish(): Promise<PublishedCheckpoint> {
    const wanted = this.#tree.size;
    const covered = () =>
      this.#published !== undefined && this.#published.size >= wanted && this.#tilesSize >= wanted;
    try {
      while (!covered()) await this.#attempt();
    } catch (cause) {
      const message = `the checkpoint could not be published (${systemCode(cause)}); entries are durable without it`;
      throw new EvidenceError('EVIDENCE_UNAVAILABLE', message, { cause });
    }
    return this.published;
  }

  async close(): Promise<void> {
    try {
      await this.publish();
    } catch (error) {
      this.#failed(error);
    }
    this.#closed = true;
    this.#disarm();
  }

  #inBackground(): void {
    this.#attempt()
      .catch((error: unknown) => this.#failed(error))
      .then(() => {
        if (this.#tree.size > this.published.size) this.grew();
      });
  }

  #failed(error: unknown): void {
    this.#failures++;
    const cause = error instanceof EvidenceError ? error.cause : error;
    this.#emit('checkpoint_failed', { error: systemCode(cause), size: this.#tree.size });
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One at a time: two could rename their checkpoints in the wrong order, and a log never goes back. */
  #attempt(): Promise<void> {
    this.#disarm();
    this.#running ??= this.#once().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #once(): Promise<void> {
    const size = this.#tree.size;
    const root = this.#tree.root();
    const tiles = newTiles(this.#tree.edge, this.#tilesSize, size);
    await this.#writeTiles(tiles);
    if (this.#published?.size !== size) {
      const checkpoint = { origin: this.#origin, size, root, extensions: [] };
      const note = signNote(formatCheckpoint(checkpoint), [this.#signer]);
      await this.#files.replace(join(this.#folder, 'checkpoint'), utf8(note));
      await this.#files.syncFolder(this.#folder);
      this.#published = { note, size, root };
    }
    this.#tilesSize = size;
    this.#failures = 0;
    this.#tree.settle(size);
    for (const { partials } of tiles) {
      // Only space is lost where this fails.
      if (partials !== undefined)
        await this.#files.removeFolder(join(this.#folder, partials)).catch(() => {});
    }
  }

  async #writeTiles(tiles: readonly TileFile[]): Promise<void> {
    const left = tiles[Symbol.iterator]();
    const folders = new Set<string>();
    const writeOnward = async () => {
      for (const { path, bytes } of left) {
        const file = join(this.#folder, path);
        folders.add(dirname(file));
        await this.#files.replace(file, bytes);
      }
    };
    await Promise.all(Array.from({ length: TILES_AT_ONCE }, writeOnward));
    for (const folder of folders) await this.#files.syncFolder(folder);
  }
}
