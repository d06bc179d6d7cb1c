import { type FileHandle, open, readFile } from 'node:fs/promises';
import { type Crypto, concatBytes, equalBytes, leafHash } from '@provability-fabric/kernel';
import { EvidenceError, systemCode } from '../errors.ts';
import {
  FRAME_HEADER_BYTES,
  type Frame,
  type FrameEntry,
  type FramePlace,
  frameSizeAt,
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

  /** The entries of the frames at these places, which ascend. */
  async *at(places: readonly FramePlace[]): AsyncGenerator<ReadEntry> {
    let opened: { readonly segment: number; readonly file: FileHandle } | undefined;
    try {
      for (const place of places) {
        if (opened?.segment !== place.segment) {
          await opened?.file.close();
          opened = undefined;
          opened = { segment: place.segment, file: await this.#open(place) };
        }
        const source = await readWhole(opened.file, place.offset);
        const read = readFrame(source, 0, place);
        if (read === undefined) throw this.#damaged(place, 'holds no whole frame there');
        yield* this.#checked(read.frame, place);
      }
    } finally {
      await opened?.file.close();
    }
  }

  /** Every entry of the segments that begin at `segments`, up to `end`. */
  async *all(segments: readonly number[], end: SegmentEnd | undefined): AsyncGenerator<ReadEntry> {
    for (const segment of segments) {
      if (end === undefined || segment > end.segment) return;
      const source = await readFile(segmentPath(this.#folder, segment));
      const size = segment === end.segment ? end.size : source.length;
      for (let offset = SEGMENT_HEADER_BYTES; offset < size; ) {
        const place = { segment, offset };
        const read = readFrame(source, offset, place);
        if (read === undefined) throw this.#damaged(place, 'holds no whole frame there');
        yield* this.#checked(read.frame, place);
        offset = read.end;
      }
    }
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

  async #open(place: FramePlace): Promise<FileHandle> {
    try {
      return await open(segmentPath(this.#folder, place.segment), 'r');
    } catch (cause) {
      throw this.#damaged(place, `cannot be read (${systemCode(cause)})`);
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
