import { EvidenceError, systemCode } from '../errors.ts';
import type { Emit } from '../ports.ts';
import type { GrowingFile, LogFiles } from './log-files.ts';
import { SEGMENT_HEADER_BYTES, segmentHeader, segmentPath } from './segment.ts';

export interface SegmentEnd {
  /** First index of the segment. */
  readonly segment: number;
  /** Where its last frame ends. */
  readonly size: number;
}

/**
 * The writing end of the journal. A group is written and synced as one; where that fails, the file is cut
 * back to where it was, so that a refused commit is never found later. Where even that fails, nothing is
 * accepted any more: what lies behind the last good offset is unknown, and anything written after it could
 * make it look acknowledged.
 */
export class SegmentWriter {
  readonly #files: LogFiles;
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #emit: Emit;
  #file: GrowingFile | undefined;
  #end: SegmentEnd | undefined;
  #poisoned: EvidenceError | undefined;
  #failing = false;

  constructor(options: {
    readonly files: LogFiles;
    readonly folder: string;
    readonly segmentBytes: number;
    readonly emit: Emit;
    /** Where the journal ended when it was read. */
    readonly end: SegmentEnd | undefined;
  }) {
    this.#files = options.files;
    this.#folder = options.folder;
    this.#segmentBytes = options.segmentBytes;
    this.#emit = options.emit;
    this.#end = options.end;
  }

  /** Where what is durable ends. */
  get end(): SegmentEnd | undefined {
    return this.#end;
  }

  /** Where the next group of `bytes` will begin, in a new segment if it no longer fits. */
  place(nextIndex: number, bytes: number): SegmentEnd {
    const end = this.#end;
    // An empty segment takes a group of any size.
    const fits =
      end !== undefined && (end.size === SEGMENT_HEADER_BYTES || end.size + bytes <= this.#segmentBytes);
    return fits ? end : { segment: nextIndex, size: SEGMENT_HEADER_BYTES };
  }

  /** Durable when it resolves; otherwise throws EVIDENCE_UNAVAILABLE and nothing of the group is there. */
  async append(place: SegmentEnd, group: Uint8Array): Promise<void> {
    if (this.#poisoned !== undefined) throw this.#poisoned;
    try {
      await this.#ready(place);
      const file = this.#file as GrowingFile;
      await writeAll(file, group, place.size);
      await file.datasync();
    } catch (cause) {
      await this.#cutBack(place, cause);
      throw unavailable(`the journal could not be written (${systemCode(cause)})`, cause);
    }
    this.#end = { segment: place.segment, size: place.size + group.length };
    if (this.#failing) {
      this.#failing = false;
      this.#emit('journal_recovered', { segment: place.segment });
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #ready(place: SegmentEnd): Promise<void> {
    const path = segmentPath(this.#folder, place.segment);
    if (this.#end?.segment === place.segment) {
      this.#file ??= await this.#files.grow(path);
      return;
    }
    const file = await this.#files.grow(path);
    try {
      // What an earlier attempt at this segment left behind was never acknowledged.
      await file.truncate(0);
      await writeAll(file, segmentHeader(place.segment), 0);
      await file.datasync();
      await this.#files.syncFolder(this.#folder);
    } catch (error) {
      await file.close();
      // Reading the journal drops a segment without frames too, should this fail.
      await this.#files.remove(path).catch(() => undefined);
      throw error;
    }
    const full = this.#file;
    this.#file = file;
    this.#end = place;
    await full?.close();
  }

  async #cutBack(place: SegmentEnd, cause: unknown): Promise<void> {
    if (!this.#failing) this.#emit('journal_write_failed', { error: systemCode(cause) });
    this.#failing = true;
    if (this.#end?.segment !== place.segment || this.#file === undefined) return; // no frame was written
    try {
      await this.#file.truncate(place.size);
      // Without this a power failure could bring the refused bytes back.
      await this.#file.datasync();
    } catch (error) {
      this.#emit('journal_poisoned', {
        error: systemCode(error),
        segment: place.segment,
        offset: place.size,
      });
      this.#poisoned = unavailable(
        `a failed write to \`${segmentPath(this.#folder, place.segment)}\` could not be cut off at ` +
          `offset ${place.size} (${systemCode(error)}); check the disk and restart`,
        error,
      );
    }
  }
}

async function writeAll(file: GrowingFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const written = await file.write(bytes.subarray(done), position + done);
    // Nothing taken and no error: asking again for ever would hang the journal.
    if (written <= 0) throw new Error('the disk took no more bytes');
    done += written;
  }
}

function unavailable(message: string, cause: unknown): EvidenceError {
  return new EvidenceError('EVIDENCE_UNAVAILABLE', message, { cause });
}
