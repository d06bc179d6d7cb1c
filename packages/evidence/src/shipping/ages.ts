/** Closer together than this, entries count as old as the first of them. */
const FINEST_MS = 10;
/** Beyond this, entries further apart count as equally old too. */
const MOST_MARKS = 4096;

interface Mark {
  readonly index: number;
  readonly at: number;
}

/** When entries became durable, roughly: an age is never told too small. */
export class Ages {
  /** Ascending in both. */
  #marks: Mark[] = [];
  #resolutionMs = FINEST_MS;

  /** The entries from `index` on became durable at `at`. */
  note(index: number, at: number): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && at - last.at < this.#resolutionMs) return;
    this.#marks.push({ index, at });
    if (this.#marks.length > MOST_MARKS) this.#coarsen();
  }

  /** The same of an entry before all others that are known. */
  noteOldest(index: number, at: number): void {
    const [first] = this.#marks;
    if (first !== undefined && first.index <= index) return;
    this.#marks.unshift({ index, at: Math.min(at, first?.at ?? at) });
  }

  /** When the entry at `index` became durable; undefined where nothing is known of it. */
  of(index: number): number | undefined {
    return this.#marks.findLast((mark) => mark.index <= index)?.at;
  }

  /** Forgets what concerns entries before `index` only. */
  dropBefore(index: number): void {
    const covering = this.#marks.findLastIndex((mark) => mark.index <= index);
    if (covering > 0) this.#marks.splice(0, covering);
    if (this.#marks.length < 2) this.#resolutionMs = FINEST_MS;
  }

  #coarsen(): void {
    this.#resolutionMs *= 2;
    const kept: Mark[] = [];
    for (const mark of this.#marks) {
      if (mark.at - (kept.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= this.#resolutionMs) kept.push(mark);
    }
    this.#marks = kept;
  }
}
