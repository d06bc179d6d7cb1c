import { readdir, readFile, stat } from 'node:fs/promises';
import { type Crypto, equalBytes, leafHash } from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';
import type { Emit } from '../ports.ts';
import type { PublishedCheckpoint } from './checkpoint-file.ts';
import { leafDataInTiles } from './entry-tiles.ts';
import { type Frame, readFrame } from './frame.ts';
import { readFreed } from './freed-marker.ts';
import { damagedSegment, leafData } from './journal-reader.ts';
import type { LogFiles } from './log-files.ts';
import {
  indexesIn,
  indexPath,
  isSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentPath,
  segmentsIn,
} from './segment.ts';
import { SegmentIndex } from './segment-index.ts';
import { fitsSegment, readStoredIndex } from './segment-index-file.ts';
import { missingIndex, SegmentIndexes } from './segment-indexes.ts';
import type { SegmentEnd } from './segment-writer.ts';
import { SessionIndex } from './session-index.ts';
import type { TileTree } from './tile-tree.ts';
import { cutTail, wasDurable } from './torn-tail.ts';

interface Tail {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

/**
 * One reading of the journal at start: first looks, throwing before anything is changed, then mends. A segment
 * that is complete and under the checkpoint is taken from its index where that fits; all others are read.
 */
export class JournalScan {
  readonly sessions = new SessionIndex();
  readonly indexes: SegmentIndexes;
  readonly #crypto: Crypto;
  readonly #log: string;
  readonly #folder: string;
  readonly #tree: TileTree;
  readonly #published: PublishedCheckpoint | undefined;
  readonly #limit: number;
  /** Files that nothing needs any more. */
  readonly #superfluous: string[] = [];
  #freed = 0;
  #size = 0;
  #end: SegmentEnd | undefined;
  #tail: Tail | undefined;

  /**
   * `tree` holds what the checkpoint covers already, or nothing; it grows by what it lacks. Reading stops at
   * `limit` entries.
   */
  constructor(
    crypto: Crypto,
    folders: { readonly log: string; readonly journal: string },
    tree: TileTree,
    published: PublishedCheckpoint | undefined,
    limit = Number.POSITIVE_INFINITY,
  ) {
    this.indexes = new SegmentIndexes(crypto, folders.journal);
    this.#limit = limit;
    this.#crypto = crypto;
    this.#log = folders.log;
    this.#folder = folders.journal;
    this.#tree = tree;
    this.#published = published;
  }

  /** How many entries, from the first on, were freed: their statements are in the ledger alone. */
  get freed(): number {
    return this.#freed;
  }

  /** How many entries the journal holds. */
  get size(): number {
    return this.#size;
  }

  /** Where the last frame that was read ends. */
  get end(): SegmentEnd | undefined {
    return this.#end;
  }

  get isBlank(): boolean {
    return this.#size === 0 && this.#tail === undefined;
  }

  async read(): Promise<void> {
    const names = await readdir(this.#folder);
    this.#freed = await readFreed(this.#folder);
    await this.#takeFreed(indexesIn(names));
    const segments = segmentsIn(names);
    const present = segments.filter((segment) => segment >= this.#freed);
    for (const segment of segments) {
      if (segment < this.#freed) this.#superfluous.push(segmentPath(this.#folder, segment));
    }
    for (const segment of indexesIn(names)) {
      if (segment >= this.#freed && !present.includes(segment))
        this.#superfluous.push(indexPath(this.#folder, segment));
    }
    const blank = new Set<number>();
    for (const segment of present) {
      const { size } = await stat(segmentPath(this.#folder, segment));
      if (size <= SEGMENT_HEADER_BYTES) blank.add(segment);
    }
    // The last one may grow again and may be torn, so it is always read.
    const last = present.findLast((segment) => !blank.has(segment));
    for (const segment of present) {
      if (this.#size >= this.#limit) return;
      // A segment is begun only once the one before it is complete, except one whose making failed.
      if (this.#tail !== undefined && (!blank.has(segment) || segment > this.#size)) {
        throw this.#damaged(this.#tail, `is damaged at index ${this.#size}, though a later segment follows`);
      }
      if (blank.has(segment)) this.#superfluous.push(segmentPath(this.#folder, segment));
      else if (segment === last || !(await this.#takeIndex(segment))) {
        this.#readSegment(segment, await readFile(segmentPath(this.#folder, segment)));
      }
    }
  }

  /** What was freed is known from the indexes alone, which were durable before it was. */
  async #takeFreed(stored: readonly number[]): Promise<void> {
    const covered = this.#published?.size ?? 0;
    if (this.#freed > covered) {
      throw new EvidenceError(
        'EVIDENCE_CORRUPT',
        `the journal \`${this.#folder}\` was freed up to index ${this.#freed}, but its checkpoint covers ${covered} ` +
          'entries; put both back from one backup. Nothing was changed',
      );
    }
    for (const segment of stored) {
      if (segment >= this.#freed) break;
      const found = await readStoredIndex(this.#crypto, this.#folder, segment);
      if (found === undefined || segment !== this.#size || !this.sessions.addSegment(found.index)) {
        throw missingIndex(this.#folder, this.#size);
      }
      this.#size = found.index.end;
    }
    if (this.#size !== this.#freed) throw missingIndex(this.#folder, this.#size);
    if (this.#tree.size >= this.#freed) return;
    for await (const data of leafDataInTiles(this.#log, covered, this.#freed)) {
      this.#append(data);
    }
  }

  /** Takes a segment from its index, where every leaf of it is in the tree already and may be given out. */
  async #takeIndex(segment: number): Promise<boolean> {
    if (segment !== this.#size) return false;
    const stored = await readStoredIndex(this.#crypto, this.#folder, segment);
    if (stored === undefined || stored.index.end > Math.min(this.#tree.size, this.#limit)) return false;
    if (!(await fitsSegment(this.#folder, stored)) || !this.sessions.addSegment(stored.index)) return false;
    this.#size = stored.index.end;
    this.#end = { segment, size: stored.index.size };
    return true;
  }

  /**
   * Drops segments without frames or freed ones, moves a torn tail aside and makes durable what was found: it
   * is about to be signed.
   */
  async mend(files: LogFiles, emit: Emit): Promise<void> {
    for (const path of this.#superfluous) await files.remove(path);
    if (this.#tail !== undefined) {
      const { segment, offset, bytes } = this.#tail;
      const kept = await cutTail(files, this.#folder, this.#tail, this.#size, bytes);
      emit('journal_torn_tail', { segment, offset, index: this.#size, bytes: bytes.length, kept });
    }
    await files.syncFolder(this.#folder);
    if (this.#end !== undefined) {
      const file = await files.grow(segmentPath(this.#folder, this.#end.segment));
      await file.datasync().finally(() => file.close());
    }
  }

  #readSegment(segment: number, source: Buffer): void {
    const start = { segment, offset: 0 };
    if (!isSegmentHeader(source, segment)) throw this.#damaged(start, 'does not begin as its name says');
    if (segment !== this.#size) {
      throw this.#damaged(
        start,
        `begins at index ${segment}, but the segments before it end at ${this.#size}`,
      );
    }
    const index = new SegmentIndex(segment);
    for (let offset = SEGMENT_HEADER_BYTES; offset < source.length && this.#size < this.#limit; ) {
      const place = { segment, offset };
      const read = readFrame(source, offset, place);
      if (read === undefined) {
        this.#tail = this.#torn(place, source);
        return;
      }
      const { frame, end } = read;
      if (frame.firstIndex !== this.#size) {
        throw this.#damaged(place, `holds index ${frame.firstIndex} where ${this.#size} belongs`);
      }
      if (!this.sessions.add(frame, place)) {
        throw this.#damaged(place, `has a gap in a session's sequence at index ${this.#size}`);
      }
      this.#grow(frame);
      if (index.entries === 0) this.indexes.hold(index);
      index.add(frame, end - offset);
      offset = end;
      this.#end = { segment, size: end };
    }
  }

  #grow(frame: Frame): void {
    for (const entry of frame.entries) {
      if (this.#size++ >= this.#tree.size) this.#append(leafData(this.#crypto, entry));
    }
  }

  #append(data: Uint8Array): void {
    this.#tree.append(data, leafHash(this.#crypto, data));
    const { size, root } = this.#published ?? { size: -1, root: data };
    if (this.#tree.size !== size || equalBytes(this.#tree.root(), root)) return;
    throw new EvidenceError(
      'EVIDENCE_CORRUPT',
      `the first ${size} entries of the journal \`${this.#folder}\` are not those that \`log/checkpoint\` ` +
        'signs; put both back from one backup. Nothing was changed',
    );
  }

  #torn(place: { segment: number; offset: number }, source: Buffer): Tail {
    if (this.#size < (this.#published?.size ?? 0)) {
      throw this.#damaged(place, `is damaged at index ${this.#size}, which the checkpoint covers`);
    }
    if (wasDurable(source, place.offset, place.segment)) {
      throw this.#damaged(place, `is damaged at index ${this.#size}, though a later write follows`);
    }
    // A segment whose first frame is torn ends at its header.
    if (this.#end?.segment !== place.segment) this.#end = { segment: place.segment, size: place.offset };
    return { ...place, bytes: source.subarray(place.offset) };
  }

  #damaged(place: { segment: number; offset: number }, problem: string): EvidenceError {
    return damagedSegment(segmentPath(this.#folder, place.segment), place.offset, problem);
  }
}
