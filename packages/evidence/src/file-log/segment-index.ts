// What a segment holds, without its statements: which sessions, how far each goes, and where its frames lie.
import type { Digest } from '@provability-fabric/kernel';
import type { Frame } from './frame.ts';
import { SEGMENT_HEADER_BYTES } from './segment.ts';

/** A session's part of a segment: since it was last taken over here, where that happened. */
export interface IndexedPart {
  readonly tenant: string;
  readonly session: string;
  readonly takenOver: boolean;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly lastDigest: Digest;
}

/** One frame of a session's part. */
export interface IndexedFrame {
  readonly offset: number;
  /** Log index of its first entry. */
  readonly index: number;
  /** Seq of its first entry. */
  readonly seq: number;
  readonly count: number;
}

/** A frame as the index has it, in log order. */
export interface FrameRow {
  /** Number of the session's part. */
  readonly part: number;
  readonly count: number;
  readonly bytes: number;
  readonly takenOver: boolean;
}

export class SegmentIndex {
  /** First index of the segment. */
  readonly segment: number;
  readonly #parts: IndexedPart[] = [];
  readonly #numbers = new Map<string, number>();
  // By frame, in log order. Flat lists: a full segment has tens of thousands.
  readonly #part: number[] = [];
  readonly #offset: number[] = [];
  readonly #index: number[] = [];
  readonly #count: number[] = [];
  readonly #takenOver: boolean[] = [];
  #entries = 0;
  #size = SEGMENT_HEADER_BYTES;

  constructor(segment: number) {
    this.segment = segment;
  }

  /** What a stored index says; undefined where parts and frames do not fit together. */
  static from(
    segment: number,
    parts: readonly IndexedPart[],
    rows: readonly FrameRow[],
  ): SegmentIndex | undefined {
    const index = new SegmentIndex(segment);
    for (const part of parts) index.#numbers.set(nameOf(part), index.#parts.push(part) - 1);
    const counted = parts.map(() => 0);
    for (const row of rows) {
      if (counted[row.part] === undefined || row.count < 1) return undefined;
      counted[row.part] = (row.takenOver ? 0 : (counted[row.part] as number)) + row.count;
      index.#push(row.part, row.count, row.bytes, row.takenOver);
    }
    const sound = parts.every(
      ({ firstSeq, lastSeq }, number) => lastSeq - firstSeq + 1 === counted[number] && firstSeq >= 0,
    );
    return sound && index.#numbers.size === parts.length ? index : undefined;
  }

  /** How many entries the segment has. */
  get entries(): number {
    return this.#entries;
  }

  /** Where its last frame ends. */
  get size(): number {
    return this.#size;
  }

  /** Log index after its last entry. */
  get end(): number {
    return this.segment + this.#entries;
  }

  /** Sessions in the order of their first frame here. */
  get parts(): readonly IndexedPart[] {
    return this.#parts;
  }

  /** Takes up the frame that follows; the caller has checked that it continues its session. */
  add(frame: Frame, bytes: number): void {
    const first = frame.entries[0];
    const last = frame.entries.at(-1);
    if (first === undefined || last === undefined) throw new Error('a frame without entries');
    const number = this.#numbers.get(nameOf(frame)) ?? this.#parts.length;
    const before = this.#parts[number];
    const { tenant, session, takenOver = false } = frame;
    this.#parts[number] = {
      tenant: before?.tenant ?? tenant,
      session: before?.session ?? session,
      takenOver: takenOver || (before?.takenOver ?? false),
      firstSeq: takenOver ? first.seq : (before?.firstSeq ?? first.seq),
      lastSeq: last.seq,
      lastDigest: last.digest,
    };
    if (before === undefined) this.#numbers.set(nameOf(frame), number);
    this.#push(number, frame.entries.length, bytes, takenOver);
  }

  /** The frames of a session since it was last taken over, in order. */
  framesOf(tenant: string, session: string): IndexedFrame[] {
    const number = this.#numbers.get(nameOf({ tenant, session }));
    const part = number === undefined ? undefined : this.#parts[number];
    if (part === undefined) return [];
    let frames: IndexedFrame[] = [];
    let seq = part.firstSeq;
    for (let at = this.#part.indexOf(number as number); at >= 0; ) {
      if (this.#takenOver[at]) [frames, seq] = [[], part.firstSeq];
      const count = this.#count[at] as number;
      frames.push({ offset: this.#offset[at] as number, index: this.#index[at] as number, seq, count });
      seq += count;
      at = this.#part.indexOf(number as number, at + 1);
    }
    return frames;
  }

  /** Where the frame begins that holds a log index of this segment. */
  offsetOf(index: number): number {
    let [low, high] = [0, this.#index.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#index[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return this.#offset[low] ?? SEGMENT_HEADER_BYTES;
  }

  /** Where the last frame begins. */
  get lastOffset(): number {
    return this.#offset.at(-1) ?? SEGMENT_HEADER_BYTES;
  }

  *rows(): Iterable<FrameRow> {
    for (const [at, part] of this.#part.entries()) {
      const bytes = (this.#offset[at + 1] ?? this.#size) - (this.#offset[at] as number);
      yield { part, count: this.#count[at] as number, bytes, takenOver: this.#takenOver[at] as boolean };
    }
  }

  #push(part: number, count: number, bytes: number, takenOver: boolean): void {
    this.#part.push(part);
    this.#offset.push(this.#size);
    this.#index.push(this.segment + this.#entries);
    this.#count.push(count);
    this.#takenOver.push(takenOver);
    this.#entries += count;
    this.#size += bytes;
  }
}

/** Neither name can hold a line break. */
function nameOf({ tenant, session }: { readonly tenant: string; readonly session: string }): string {
  return `${tenant}\n${session}`;
}
