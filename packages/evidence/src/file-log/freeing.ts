import { readdir, stat } from 'node:fs/promises';
import type { Crypto } from '@provability-fabric/kernel';
import { EvidenceError, systemCode } from '../errors.ts';
import type { Emit } from '../ports.ts';
import { writeFreed } from './freed-marker.ts';
import type { LogFiles } from './log-files.ts';
import { segmentPath, segmentsIn } from './segment.ts';
import { fitsSegment, readStoredIndex } from './segment-index-file.ts';
import { missingIndex, type SegmentIndexes } from './segment-indexes.ts';

export interface FreeingOptions {
  readonly crypto: Crypto;
  readonly files: LogFiles;
  /** The folder `journal`. */
  readonly folder: string;
  readonly indexes: SegmentIndexes;
  /** The newest segments are kept up to this much: sessions that go on are read from them. */
  readonly keepBytes: number;
  /** Up to where tiles are durable: from then on only they vouch for what was freed. */
  readonly covered: () => number;
  /** What had been freed when the log was opened. */
  readonly freed: number;
  readonly emit: Emit;
}

/**
 * Removes segments, oldest first. What has to outlive them is durable before: their indexes (which session had
 * which leaf, and where it ends), then the mark how far the journal is freed; only then are the segments removed.
 * A crash in between leaves segments that the next start removes.
 */
export class Freeing {
  readonly #options: FreeingOptions;
  #freed: number;
  #running: Promise<void> = Promise.resolve();
  /** Before the log covers this index and before a segment is completed there is nothing to look for. */
  #waitingFor = 0;

  constructor(options: FreeingOptions) {
    this.#options = options;
    this.#freed = options.freed;
  }

  get freed(): number {
    return this.#freed;
  }

  /** A segment was completed: there may be more to free. */
  completed(): void {
    this.#waitingFor = 0;
  }

  /** Throws EVIDENCE_UNAVAILABLE where the disk refuses: then what was not freed is still there. */
  upTo(index: number): Promise<void> {
    if (index < this.#waitingFor) return Promise.resolve();
    const run = this.#running.then(() => this.#free(index));
    this.#running = run.catch(() => this.completed());
    return run;
  }

  async #free(index: number): Promise<void> {
    const { files, folder, indexes, covered, emit } = this.#options;
    if (index < this.#waitingFor) return;
    this.#waitingFor = Number.POSITIVE_INFINITY;
    const free = await this.#removable(Math.min(index, covered()));
    const border = free.at(-1)?.end;
    if (border === undefined) return;
    try {
      await indexes.write(files);
      for (const { segment } of free) await this.#requireIndex(segment);
      await files.syncFolder(folder);
      await writeFreed(files, folder, border);
      this.#freed = border;
      for (const { segment } of free) await files.remove(segmentPath(folder, segment));
      await files.syncFolder(folder);
    } catch (cause) {
      if (cause instanceof EvidenceError) throw cause;
      const message = `the journal could not be freed up to index ${border} (${systemCode(cause)}); tried again later`;
      throw new EvidenceError('EVIDENCE_UNAVAILABLE', message, { cause });
    }
    emit('journal_freed', {
      segments: free.length,
      bytes: free.reduce((sum, { bytes }) => sum + bytes, 0),
      index: border,
    });
  }

  async #removable(limit: number) {
    const { folder, keepBytes, indexes } = this.#options;
    const segments = segmentsIn(await readdir(folder)).filter((segment) => segment >= this.#freed);
    const sizes: number[] = [];
    for (const segment of segments) sizes.push((await stat(segmentPath(folder, segment))).size);
    let left = sizes.reduce((sum, size) => sum + size, 0);
    const free: { segment: number; bytes: number; end: number }[] = [];
    for (const [position, segment] of segments.entries()) {
      const end = segments[position + 1];
      const bytes = sizes[position] as number;
      if (end === undefined || segment >= (indexes.growing ?? 0) || left - bytes < keepBytes) break;
      if (end > limit) {
        this.#waitingFor = end;
        break;
      }
      left -= bytes;
      free.push({ segment, bytes, end });
    }
    return free;
  }

  /** Read back before what it is made from is removed. */
  async #requireIndex(segment: number): Promise<void> {
    const { crypto, folder } = this.#options;
    const stored = await readStoredIndex(crypto, folder, segment);
    if (stored === undefined || !(await fitsSegment(folder, stored))) throw missingIndex(folder, segment);
  }
}
