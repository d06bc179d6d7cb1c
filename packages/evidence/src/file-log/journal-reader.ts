import { type FileHandle, open, readFile } from 'node:fs/promises';
import { type Crypto, concatBytes, equalBytes, leafHash } from '@provability-fabric/kernel';
import { EvidenceError, hasSystemCode, systemCode } from '../errors.ts';
import {
  FRAME_HEADER_BYTES,
  type Frame,
  type FrameEntry,
  type FramePlace,
  frameSizeAt,
  type ReadFrame,
  readFrame,
} from './frame.ts';
import { SEGMENT_HEADER_BYTES, segmentPath } from './segment.ts';
import type { SegmentEnd } from './segment-writer.ts';
import type { TileTree } from './tile-tree.ts';

/** A usual frame in one call. */
const READ_AHEAD_BYTES = 8 * 1024;

export interface ReadEntry {
  readonly index: number;
  readonly frame: Frame;
  readonly entry: FrameEntry;
}

/** What the log commits to: SHA-256(salt ‖ envelope). */
export function leafData(crypto: Crypto, entry: Pick<FrameEntry, 'salt' | 'envelope'>): Uint8Array {
  return crypto.sha256(concatBytes(entry.salt, entry.envelope));
}

/**
 * Reads committed entries back. Each is held against its leaf in the tree: a checksum alone can be
 * recomputed.
 */
export class JournalReader {
  readonly #crypto: Crypto;
  readonly #folder: string;
  readonly #tree: TileTree;

  constructor(crypto: Crypto, folder: string, tree: TileTree) {
    this.#crypto = crypto;
    this.#folder = folder;
    this.#tree = tree;
  }

  /** undefined where the segment is not there: who asks knows whether it was freed. */
  async open(segment: number): Promise<FileHandle | undefined> {
    try {
      return await open(segmentPath(this.#folder, segment), 'r');
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT')) return undefined;
      throw this.#damaged({ segment, offset: 0 }, `cannot be read (${systemCode(cause)})`);
    }
  }

  /** The entries of the frames at these offsets of an open segment, which is closed at the end. */
  async *at(file: FileHandle, segment: number, offsets: Iterable<number>): AsyncGenerator<ReadEntry> {
    try {
      for (const offset of offsets) {
        const { frame } = this.#frameIn(await readWhole(file, offset), 0, { segment, offset });
        yield* this.#checked(frame, { segment, offset });
      }
    } finally {
      await file.close();
    }
  }

  /** The entries of an open segment from the frame at `offset` on, in reads of `bytes`; closes it at the end. */
  async *onward(file: FileHandle, segment: number, offset: number, bytes: number): AsyncGenerator<ReadEntry> {
    try {
      for (let start = offset; ; ) {
        const source = await readSome(file, start, bytes);
        if (source.length === 0) return;
        for (let at = 0; at < source.length; ) {
          const size = frameSizeAt(source, at);
          // What is cut off by the end of this reading begins the next one.
          if (at > 0 && (size === undefined || at + size > source.length)) break;
          const place = { segment, offset: start };
          const { frame, end } = this.#frameIn(source, at, place);
          yield* this.#checked(frame, place);
          start += end - at;
          at = end;
        }
      }
    } finally {
      await file.close();
    }
  }

  /** Every entry of the segments that begin at `segments`, up to `end`. */
  async *all(segments: readonly number[], end: SegmentEnd | undefined): AsyncGenerator<ReadEntry> {
    for (const segment of segments) {
      if (end === undefined || segment > end.segment) return;
      const source = await this.#whole(segment);
      const size = segment === end.segment ? end.size : source.length;
      for (let offset = SEGMENT_HEADER_BYTES; offset < size; ) {
        const place = { segment, offset };
        const read = this.#frameIn(source, offset, place);
        yield* this.#checked(read.frame, place);
        offset = read.end;
      }
    }
  }

  async #whole(segment: number): Promise<Buffer> {
    const path = segmentPath(this.#folder, segment);
    return readFile(path).catch((cause: unknown) => {
      if (!hasSystemCode(cause, 'ENOENT')) throw cause;
      const message = `segment \`${path}\` was freed while the log was read; read it again`;
      throw new EvidenceError('NOT_IN_LOG', message, { cause });
    });
  }

  #frameIn(source: Buffer, at: number, place: FramePlace): ReadFrame {
    const read = readFrame(source, at, place);
    if (read === undefined) throw this.#damaged(place, 'holds no whole frame there');
    return read;
  }

  *#checked(frame: Frame, place: FramePlace): Generator<ReadEntry> {
    let index = frame.firstIndex;
    for (const entry of frame.entries) {
      const leaf = leafHash(this.#crypto, leafData(this.#crypto, entry));
      if (index >= this.#tree.size || !equalBytes(leaf, this.#tree.leaf(index))) {
        throw this.#damaged(place, `does not hold what the log committed to at index ${index}`);
      }
      yield { index: index++, frame, entry };
    }
  }

  #damaged(place: FramePlace, problem: string): EvidenceError {
    return damagedSegment(segmentPath(this.#folder, place.segment), place.offset, problem);
  }
}

export function damagedSegment(path: string, offset: number, problem: string): EvidenceError {
  return new EvidenceError(
    'EVIDENCE_CORRUPT',
    `journal segment \`${path}\` ${problem} (offset ${offset}); put this file back from a backup that is at least ` +
      'as new as `log/checkpoint`. Nothing was changed',
  );
}

/** At least one whole frame, where one begins there; nothing at the end of the file. */
async function readSome(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const start = Buffer.allocUnsafe(Math.max(bytes, READ_AHEAD_BYTES));
  const { bytesRead } = await file.read(start, 0, start.length, offset);
  const size = frameSizeAt(start.subarray(0, bytesRead), 0) ?? 0;
  return size > start.length ? readWhole(file, offset) : start.subarray(0, bytesRead);
}

async function readWhole(file: FileHandle, offset: number): Promise<Buffer> {
  const start = Buffer.allocUnsafe(READ_AHEAD_BYTES);
  const { bytesRead } = await file.read(start, 0, start.length, offset);
  const head = start.subarray(0, bytesRead);
  const size = frameSizeAt(head, 0) ?? FRAME_HEADER_BYTES;
  if (size <= bytesRead || bytesRead < READ_AHEAD_BYTES) return head;
  const rest = Buffer.allocUnsafe(size - bytesRead);
  const { bytesRead: more } = await file.read(rest, 0, rest.length, offset + bytesRead);
  return Buffer.concat([head, rest.subarray(0, more)]);
}
