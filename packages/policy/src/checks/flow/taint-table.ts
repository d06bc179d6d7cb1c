import { Fingerprint } from './fingerprint.ts';

/**
 * Which segments of a session's reading hold a piece of text: a hash table in typed arrays, since a result of 1 MB has
 * hundreds of thousands of pieces. Only grows; readers name the segments they may see, so older states stay true.
 */
export class TaintTable {
  #first: Uint32Array;
  #second: Uint32Array;
  /** 0: free; n > 0: segment n - 1 alone; n < 0: the list -n - 1. */
  #posting: Int32Array;
  #lists: number[][] = [];
  #count = 0;

  constructor(slots = 256) {
    this.#first = new Uint32Array(slots);
    this.#second = new Uint32Array(slots);
    this.#posting = new Int32Array(slots);
  }

  /** False once it may not grow further or somebody aims at one spot: the caller must then taint in another way. */
  add(print: Fingerprint, segment: number, originOf: readonly number[]): boolean {
    const slot = this.#slotOf(print);
    if (slot < 0) return false;
    const posting = this.#posting[slot] as number;
    if (posting === 0) {
      if (this.#count >= MAX_PIECES) return false;
      this.#first[slot] = print.first;
      this.#second[slot] = print.second;
      this.#posting[slot] = segment + 1;
      this.#count += 1;
      if (this.#count * 5 > this.#posting.length * 3) this.#grow();
    } else if (posting > 0) {
      // One segment of each origin is enough: later verdicts ask where something can be from, not how often.
      if (originOf[posting - 1] === originOf[segment]) return true;
      this.#lists.push([posting - 1, segment]);
      this.#posting[slot] = -this.#lists.length;
    } else {
      const list = this.#lists[-posting - 1] as number[];
      if (!list.some((known) => originOf[known] === originOf[segment])) list.push(segment);
    }
    return true;
  }

  /** Hands on the segments, ascending; those from `limit` on belong to a later state. */
  visit(print: Fingerprint, limit: number, take: (segment: number) => void): void {
    const slot = this.#slotOf(print);
    const posting = slot < 0 ? 0 : (this.#posting[slot] as number);
    if (posting > 0 && posting <= limit) take(posting - 1);
    if (posting >= 0) return;
    for (const segment of this.#lists[-posting - 1] as number[]) if (segment < limit) take(segment);
  }

  /** What a state that has seen segments below `limit` knows, to go on from there in another direction. */
  upTo(limit: number, originOf: readonly number[]): TaintTable {
    const copy = new TaintTable();
    const print = new Fingerprint();
    for (let slot = 0; slot < this.#posting.length; slot += 1) {
      const posting = this.#posting[slot] as number;
      if (posting === 0) continue;
      print.first = this.#first[slot] as number;
      print.second = this.#second[slot] as number;
      const list = posting > 0 ? [posting - 1] : (this.#lists[-posting - 1] as number[]);
      for (const segment of list) if (segment < limit) copy.add(print, segment, originOf);
    }
    return copy;
  }

  /** Where the piece is or would be; -1 after too long a search. Bounded, since the agent's peers choose the pieces. */
  #slotOf({ first, second }: Fingerprint): number {
    const mask = this.#posting.length - 1;
    let slot = first & mask;
    for (let probes = 0; probes < MAX_PROBES; probes += 1) {
      if (this.#posting[slot] === 0) return slot;
      if (this.#first[slot] === first && this.#second[slot] === second) return slot;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  #grow(): void {
    const [first, second, posting] = [this.#first, this.#second, this.#posting];
    this.#first = new Uint32Array(posting.length * 2);
    this.#second = new Uint32Array(posting.length * 2);
    this.#posting = new Int32Array(posting.length * 2);
    const mask = this.#posting.length - 1;
    for (let old = 0; old < posting.length; old += 1) {
      if (posting[old] === 0) continue;
      let slot = (first[old] as number) & mask;
      while (this.#posting[slot] !== 0) slot = (slot + 1) & mask;
      this.#first[slot] = first[old] as number;
      this.#second[slot] = second[old] as number;
      this.#posting[slot] = posting[old] as number;
    }
  }
}

/** Distinct pieces of one session: about a megabyte of untrusted text, at most 25 MB of memory. */
const MAX_PIECES = 1_048_576;
const MAX_PROBES = 256;
