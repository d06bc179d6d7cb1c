import { EvidenceError } from '../errors.ts';
import type { ReadEntry } from './journal-reader.ts';
import type { SegmentIndex } from './segment-index.ts';
import { SessionIndex } from './session-index.ts';

/** Follows every session through the journal, and holds where it leads against what the log was opened with. */
export class SessionAudit {
  readonly #folder: string;
  readonly #known: SessionIndex;
  readonly #found = new SessionIndex();

  constructor(folder: string, known: SessionIndex) {
    this.#folder = folder;
    this.#known = known;
  }

  /** The sessions of a freed segment, of which only the index is left. */
  take(index: SegmentIndex): void {
    if (!this.#found.addSegment(index)) throw this.#contradiction(index.segment);
  }

  /** Passes entries on that continue their sessions. */
  async *of(entries: AsyncIterable<ReadEntry>): AsyncGenerator<ReadEntry> {
    for await (const read of entries) {
      const { index, frame } = read;
      if (index === frame.firstIndex && !this.#found.add(frame, { segment: 0 })) {
        throw this.#contradiction(index);
      }
      yield read;
    }
  }

  /** A log that is being written to may have gone on since. */
  finish(): void {
    for (const { tenant, session, seq, digest } of this.#found.heads()) {
      const head = this.#known.find(tenant, session)?.head;
      const same = head !== undefined && (head.seq > seq || (head.seq === seq && head.digest === digest));
      if (same) continue;
      throw new EvidenceError(
        'EVIDENCE_CORRUPT',
        `session \`${session}\` ends elsewhere in the journal than in the indexes beside its segments; stop the fabric, ` +
          `remove \`*.idx\` of the segments that are there in \`${this.#folder}\`, and start: they are made again`,
      );
    }
  }

  #contradiction(index: number): EvidenceError {
    return new EvidenceError(
      'EVIDENCE_CORRUPT',
      `the journal \`${this.#folder}\` has a gap in a session's sequence at index ${index}; put the segments back from ` +
        'a backup',
    );
  }
}
