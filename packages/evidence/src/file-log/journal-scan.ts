import { readdir, readFile } from 'node:fs/promises';
import { type Crypto, equalBytes, leafHash } from '@provability-fabric/kernel';
import { EvidenceError } from '../errors.ts';
import type { Emit } from '../ports.ts';
import type { PublishedCheckpoint } from './checkpoint-file.ts';
import { type Frame, readFrame } from './frame.ts';
import { damagedSegment, leafData } from './journal-reader.ts';
import type { LogFiles } from './log-files.ts';
import { isSegmentHeader, SEGMENT_HEADER_BYTES, segmentPath, segmentsIn } from './segment.ts';
import type { SegmentEnd } from './segment-writer.ts';
import { SessionIndex } from './session-index.ts';
import type { TileTree } from './tile-tree.ts';
import { cutTail, wasDurable } from './torn-tail.ts';

interface Tail {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** One reading of every segment at start: first looks, throwing before anything is changed, then mends. */
export class JournalScan {
  readonly sessions = new SessionIndex();
  readonly #crypto: Crypto;
  readonly #folder: string;
  readonly #tree: TileTree;
  readonly #published: PublishedCheckpoint | undefined;
  readonly #limit: number;
  readonly #empty: number[] = [];
  #size = 0;
  #end: SegmentEnd | undefined;
  #tail: Tail | undefined;

  /**
   * `tree` holds what the checkpoint covers already, or nothing; it grows by what it lacks. Reading stops at
   * `limit` entries.
   */
  constructor(
    crypto: Crypto,
    folder: string,
    tree: TileTree,
    published: PublishedCheckpoint | undefined,
    limit = Number.POSITIVE_INFINITY,
  ) {
    this.#limit = limit;
    this.#crypto = crypto;
    this.#folder = folder;
    this.#tree = tree;
    this.#published = published;
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
    for (const segment of segmentsIn(await readdir(this.#folder))) {
      if (this.#size >= this.#limit) return;
      const source = await readFile(segmentPath(this.#folder, segment));
      const blank = source.length <= SEGMENT_HEADER_BYTES;
      // A segment is begun only once the one before it is complete, except one whose making failed.
      if (this.#tail !== undefined && (!blank || segment > this.#size)) {
        throw this.#damaged(this.#tail, `is damaged at index ${this.#size}, though a later segment follows`);
      }
      if (blank) this.#empty.push(segment);
      else this.#readSegment(segment, source);
    }
  }

  /**
   * Drops segments without frames, moves a torn tail aside and makes durable what was found: it is about to
   * be signed.
   */
  async mend(files: LogFiles, emit: Emit): Promise<void> {
    for (const segment of this.#empty) await files.remove(segmentPath(this.#folder, segment));
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
      offset = end;
      this.#end = { segment, size: end };
    }
  }

  #grow(frame: Frame): void {
    for (const entry of frame.entries) {
      if (this.#size++ < this.#tree.size) continue;
      const data = leafData(this.#crypto, entry);
      this.#tree.append(data, leafHash(this.#crypto, data));
      const { size, root } = this.#published ?? { size: -1, root: data };
      if (this.#tree.size === size && !equalBytes(this.#tree.root(), root)) {
        throw new EvidenceError(
          'EVIDENCE_CORRUPT',
          `the first ${size} entries of the journal \`${this.#folder}\` are not those that \`log/checkpoint\` ` +
            'signs; put both back from one backup. Nothing was changed',
        );
      }
    }
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
