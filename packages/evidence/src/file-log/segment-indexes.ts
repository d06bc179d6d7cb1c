import type { Crypto } from '@provability-fabric/kernel';
import { EvidenceError, hasSystemCode } from '../errors.ts';
import { frameBytes, type PlacedFrame } from './frame.ts';
import type { LogFiles } from './log-files.ts';
import { indexPath } from './segment.ts';
import { SegmentIndex } from './segment-index.ts';
import { indexFromSegment, readStoredIndex, writeStoredIndex } from './segment-index-file.ts';

/** Indexes read back from files and kept, of up to a megabyte each. */
const KEPT = 4;

/**
 * The index of every segment: in memory for the one that grows, in a file beside it for one that is complete. A
 * file that is missing is made again from the segment.
 */
export class SegmentIndexes {
  readonly #crypto: Crypto;
  readonly #folder: string;
  /** Those without a file: of the segment that grows, and of complete ones until theirs is written. */
  readonly #held = new Map<number, SegmentIndex>();
  readonly #kept = new Map<number, Promise<SegmentIndex>>();
  #growing: number | undefined;
  #writing: Promise<void> | undefined;

  constructor(crypto: Crypto, folder: string) {
    this.#crypto = crypto;
    this.#folder = folder;
  }

  /** The segment that grows; all before it are complete. */
  get growing(): number | undefined {
    return this.#growing;
  }

  /** Takes an index over that was made by reading its segment. The last one is of the segment that grows. */
  hold(index: SegmentIndex): void {
    this.#held.set(index.segment, index);
    this.#growing = index.segment;
  }

  /** Takes up frames that became durable. Answers whether a segment was completed before them. */
  add(frames: readonly PlacedFrame[]): boolean {
    let completed = false;
    for (const { frame, place } of frames) {
      const index = this.#held.get(place.segment) ?? new SegmentIndex(place.segment);
      if (this.#growing !== place.segment) {
        completed ||= this.#growing !== undefined;
        this.hold(index);
      }
      index.add(frame, frameBytes(frame));
    }
    return completed;
  }

  /** Throws EVIDENCE_CORRUPT where there is none and the segment, from which it could be made, was freed. */
  of(segment: number): Promise<SegmentIndex> {
    const held = this.#held.get(segment);
    if (held !== undefined) return Promise.resolve(held);
    const kept = this.#kept.get(segment) ?? this.#read(segment);
    this.#kept.delete(segment);
    this.#kept.set(segment, kept);
    kept.catch(() => this.#kept.delete(segment));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return kept;
  }

  /** Writes the files of complete segments that have none yet. One that fails is tried again at the next call. */
  write(files: LogFiles): Promise<void> {
    const wrote = (this.#writing ?? Promise.resolve()).then(() => this.#writeHeld(files));
    this.#writing = wrote.catch(() => undefined);
    return wrote;
  }

  async #writeHeld(files: LogFiles): Promise<void> {
    for (const index of [...this.#held.values()]) {
      if (index.segment === this.#growing) continue;
      await writeStoredIndex(this.#crypto, files, this.#folder, index);
      this.#held.delete(index.segment);
    }
  }

  async #read(segment: number): Promise<SegmentIndex> {
    const stored = await readStoredIndex(this.#crypto, this.#folder, segment);
    if (stored !== undefined) return stored.index;
    return indexFromSegment(this.#folder, segment).catch((cause: unknown) => {
      throw hasSystemCode(cause, 'ENOENT') ? missingIndex(this.#folder, segment, cause) : cause;
    });
  }
}

export function missingIndex(folder: string, segment: number, cause?: unknown): EvidenceError {
  return new EvidenceError(
    'EVIDENCE_CORRUPT',
    `\`${indexPath(folder, segment)}\` is missing or damaged, and the segment beside it, from which it could be made, ` +
      'was freed or removed; put it back from a backup',
    cause === undefined ? {} : { cause },
  );
}
