import {
  type Crypto,
  canonicalJson,
  digestJson,
  type JsonValue,
  type Label,
} from '@provability-fabric/kernel';
import type { Scalar } from './arguments.ts';
import { dateForms, filedForms } from './date-forms.ts';
import { decodings, ENCODED } from './decodings.ts';
import { Fingerprint } from './fingerprint.ts';
import { numberForms } from './number-forms.ts';
import { runEnd, type SqueezedText, squeeze } from './squeezed-text.ts';
import { TaintTable } from './taint-table.ts';

/** Where values came from, as far as a demand can tell them apart. */
export interface Origin {
  readonly tool: string;
  readonly label: Label;
  /** A bit for each place of the tool's results that a demand names. */
  readonly places: number;
}

/** Texts of this many characters are found at any place in a text; shorter ones as whole words or numbers only. */
export const PIECE = 6;
/** Encodings inside encodings: followed so far in results. */
const MAX_DECODINGS = 2;
const MAX_VALUES = 131_072;
const MAX_ORIGINS = 256;
/** Longer values are kept by digest: trust must be exact, so no cheaper hash will do. */
const MAX_KEY = 96;

/**
 * What a session has read, by whole value (for trust) and by piece (for taint). Grows in place; a segment is one origin
 * within one result, and a state sees the segments that there were when it was made.
 */
export class SourceIndex {
  readonly #crypto: Crypto;
  readonly #origins: Origin[] = [];
  readonly #originIds = new Map<string, number>();
  /** The origin of each segment. */
  readonly #segments: number[] = [];
  readonly #values = new Map<string, number[]>();
  #pieces = new TaintTable();
  readonly #print = new Fingerprint();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  get length(): number {
    return this.#segments.length;
  }

  /** A new segment; undefined where there are too many origins already. */
  open(origin: Origin): number | undefined {
    const key = canonicalJson([origin.tool, origin.label as unknown as JsonValue, origin.places]);
    let id = this.#originIds.get(key);
    if (id === undefined) {
      if (this.#origins.length >= MAX_ORIGINS) return undefined;
      id = this.#origins.push(origin) - 1;
      this.#originIds.set(key, id);
    }
    return this.#segments.push(id) - 1;
  }

  /** False where there was no room: nothing then comes from there by trust, and everything may by taint. */
  addValue(value: Scalar, segment: number): boolean {
    const key = this.#keyOf(value);
    const known = this.#values.get(key);
    if (known === undefined) {
      if (this.#values.size >= MAX_VALUES) return false;
      this.#values.set(key, [segment]);
    } else if (!known.some((other) => this.#segments[other] === this.#segments[segment])) known.push(segment);
    return true;
  }

  addText(text: string, segment: number, depth = 0): boolean {
    const squeezed = squeeze(text);
    if (!this.#addPieces(squeezed, segment)) return false;
    if (squeezed.hasDigit && !this.#addForms(text, squeezed, segment)) return false;
    if (depth >= MAX_DECODINGS) return true;
    return decodings(text, ENCODED.long).every((decoded) => this.addText(decoded, segment, depth + 1));
  }

  #addPieces(squeezed: SqueezedText, segment: number): boolean {
    const { codes, starts, parts } = squeezed;
    const print = this.#print;
    for (let at = 0; at + PIECE <= codes.length; at += 1) {
      if (!this.#pieces.add(print.of(codes, at, at + PIECE), segment, this.#segments)) return false;
    }
    // Runs of words shorter than a piece: `10`, `a1 b2`. Found by themselves only, never inside a longer word.
    for (let index = 0; index < starts.length; index += 1) {
      const start = starts[index] as number;
      for (let last = index; last < starts.length; last += 1) {
        const end = runEnd(squeezed, last);
        if (end - start >= PIECE) break;
        if (last === index && parts.has(index)) continue;
        if (!this.#pieces.add(print.of(codes, start, end), segment, this.#segments)) return false;
      }
    }
    return true;
  }

  #addForms(text: string, squeezed: SqueezedText, segment: number): boolean {
    const add = (form: string) => this.#pieces.add(this.#print.ofForm(form), segment, this.#segments);
    for (const form of numberForms(text)) if (!add(form)) return false;
    return dateForms(squeezed).every((date) => filedForms(date).every(add));
  }

  /** The origins that held exactly this value, whole. */
  withValue(value: Scalar, limit: number): readonly Origin[] {
    return this.#visible(this.#values.get(this.#keyOf(value)) ?? [], limit);
  }

  /** By id of an origin, whether it counts; undefined where none does. */
  counting(counts: (origin: Origin) => boolean): Uint8Array | undefined {
    const counted = Uint8Array.from(this.#origins, (origin) => (counts(origin) ? 1 : 0));
    return counted.includes(1) ? counted : undefined;
  }

  /** Whether an origin that counts held the piece; takes all that did. */
  take(print: Fingerprint, limit: number, counted: Uint8Array, into: Set<Origin>): boolean {
    let found = false;
    this.#pieces.visit(print, limit, (segment) => {
      const id = this.#segments[segment] as number;
      if (counted[id] !== 1) return;
      found = true;
      into.add(this.#origins[id] as Origin);
    });
    return found;
  }

  upTo(limit: number): SourceIndex {
    const copy = new SourceIndex(this.#crypto);
    for (const origin of this.#segments.slice(0, limit)) copy.open(this.#origins[origin] as Origin);
    for (const [key, segments] of this.#values) {
      const seen = segments.filter((segment) => segment < limit);
      if (seen.length > 0) copy.#values.set(key, seen);
    }
    copy.#pieces = this.#pieces.upTo(limit, copy.#segments);
    return copy;
  }

  #visible(segments: readonly number[], limit: number): readonly Origin[] {
    const origins: Origin[] = [];
    for (const segment of segments) {
      if (segment >= limit) break;
      origins.push(this.#origins[this.#segments[segment] as number] as Origin);
    }
    return origins;
  }

  /** A number and its decimal text are one value: agents pass ids as either. */
  #keyOf(value: Scalar): string {
    const isNumber = typeof value === 'number' || typeof value === 'bigint';
    const text = canonicalJson(isNumber ? canonicalJson(value) : value);
    if (text.length <= MAX_KEY) return text;
    return `#${digestJson(this.#crypto, text)}`; // as no canonical JSON begins
  }
}
