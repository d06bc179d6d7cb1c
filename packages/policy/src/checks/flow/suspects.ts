import { canonicalJson } from '@provability-fabric/kernel';
import type { Scalar } from './arguments.ts';
import { dateForms, soughtForms } from './date-forms.ts';
import { decodings, ENCODED, jsonTexts, UNBROKEN, unescaped, urlDecoded } from './decodings.ts';
import { Fingerprint } from './fingerprint.ts';
import { wholeNumberForms } from './number-forms.ts';
import type { Provenance } from './provenance.ts';
import { type Origin, PIECE } from './source-index.ts';
import { isDigit, runEnd, type SqueezedText, squeeze } from './squeezed-text.ts';

/** Who may be behind a value, however it was written on the way. */
export interface Suspects {
  /** Those that hold the whole value. */
  readonly whole: ReadonlySet<Origin>;
  /** Those that hold the whole or a telling part of it. */
  readonly part: ReadonlySet<Origin>;
}

/** Beyond these a value is not traced but taken to be anyone's: tracing must not cost more than deciding. */
const MAX_LENGTH = 16_384;
const MAX_READINGS = 64;
const MAX_DEPTH = 3;
/** A part is telling if it is half of the value, long, or a shorter one with a digit: an account, an address, an id. */
const LONG_PART = 12;
const LONG_PART_WITH_DIGIT = 8;
const SHORT_PART_WITH_DIGIT = 3;
/** Up to so many digits a number is an amount; longer ones are accounts, of which a part tells. */
const SHORT_NUMBER = 9;

/** How an origin was found: in a reading of the value, by each text that was decoded on the way to it, the value first. */
export type Told = (
  origin: Origin,
  how: 'text' | 'number' | 'date',
  whole: boolean,
  by: readonly string[],
) => void;

/** Among the origins that count those that may be behind the value. Fuzzy: for taint only, never for trust. */
export function suspectsOf(
  provenance: Provenance,
  value: Scalar,
  counts: (origin: Origin) => boolean,
  told?: Told,
): Suspects {
  const { index, beyond } = provenance;
  const counted = index?.counting(counts);
  const search = new Search(provenance, counts, counted ?? NONE_COUNTS, told);
  if (beyond !== null) search.consider({ tool: BEYOND, label: beyond, places: 0 });
  if (index === null || counted === undefined) return search;
  for (const origin of index.withValue(value, provenance.segments)) search.consider(origin);
  if (value === null || typeof value === 'boolean') return search;
  const text = typeof value === 'string' ? value : canonicalJson(value);
  if (text.length > MAX_LENGTH) search.everyone();
  else search.read(text, true, 0);
  return search;
}

const NONE_COUNTS = new Uint8Array(0);
/** Names in a witness what found no room in the index; no tool has this name. */
const BEYOND = '(results beyond the index)';

class Search implements Suspects {
  readonly whole = new Set<Origin>();
  readonly part = new Set<Origin>();
  readonly #provenance: Provenance;
  readonly #counts: (origin: Origin) => boolean;
  readonly #counted: Uint8Array;
  readonly #read = new Set<string>();
  readonly #print = new Fingerprint();

  readonly #told: Told | undefined;
  readonly #by: string[] = [];

  constructor(
    provenance: Provenance,
    counts: (origin: Origin) => boolean,
    counted: Uint8Array,
    told: Told | undefined,
  ) {
    this.#told = told;
    this.#provenance = provenance;
    this.#counts = counts;
    this.#counted = counted;
  }

  consider(origin: Origin): void {
    if (this.#counts(origin)) this.#both(origin);
  }

  everyone(): void {
    const { results } = this.#provenance;
    for (let index = 0; index < results.length; index += 1) {
      const { tool, label } = results.items[index] as (typeof results.items)[number];
      this.consider({ tool, label, places: 0 });
    }
  }

  #both(origin: Origin): void {
    this.whole.add(origin);
    this.part.add(origin);
  }

  /** One reading of the value: itself, or something decoded from it. `whole`: it stands for all of the value. */
  read(text: string, whole: boolean, depth: number): void {
    if (this.#read.has(text)) return;
    if (this.#read.size >= MAX_READINGS) {
      this.everyone();
      return;
    }
    this.#read.add(text);
    this.#by.push(text);
    const squeezed = squeeze(text);
    const regular = squeezed.hasDigit && this.#regular(text, squeezed, whole);
    this.#pieces(squeezed, whole, regular);
    if (depth < MAX_DEPTH) this.#decode(text, whole, depth + 1);
    this.#by.pop();
  }

  /** Whether the reading is a date or a number of its own: then others that share digits with it say nothing of it. */
  #regular(text: string, squeezed: SqueezedText, whole: boolean): boolean {
    const numbers = wholeNumberForms(text);
    for (const form of numbers) this.#found(this.#print.ofForm(form), whole, 'number');
    let regular = numbers.size > 0 && squeezed.codes.length <= SHORT_NUMBER;
    for (const date of dateForms(squeezed)) {
      const all = date.from === 0 && isTime(squeezed, date.to + 1);
      regular ||= all;
      for (const form of soughtForms(date)) this.#found(this.#print.ofForm(form), whole && all, 'date');
    }
    return regular;
  }

  #decode(text: string, whole: boolean, depth: number): void {
    const inside = jsonTexts(text);
    for (const inner of inside) this.read(inner, whole && inside.length === 1, depth);
    const unbroken = text.replace(UNBROKEN, '');
    if (/^[A-Za-z0-9+/_-]{4,}$/.test(unbroken)) {
      for (const decoded of decodings(unbroken, ENCODED.whole)) this.read(decoded, whole, depth);
    }
    for (const plain of [urlDecoded(text), unescaped(text)]) {
      if (plain !== undefined) this.read(plain, whole, depth);
    }
    for (const decoded of decodings(text, ENCODED.short)) this.read(decoded, false, depth);
  }

  #found(print: Fingerprint, whole: boolean, how: 'text' | 'number' | 'date'): void {
    const origins = new Set<Origin>();
    this.#take(print, origins);
    for (const origin of origins) {
      this.#told?.(origin, how, whole, this.#by);
      if (whole) this.#both(origin);
      else this.part.add(origin);
    }
  }

  #take(print: Fingerprint, into: Set<Origin>): boolean {
    const { index, segments } = this.#provenance;
    return index?.take(print, segments, this.#counted, into) ?? false;
  }

  #pieces(squeezed: SqueezedText, whole: boolean, regular: boolean): void {
    const { codes } = squeezed;
    if (codes.length === 0) return;
    if (codes.length < PIECE) {
      this.#found(this.#print.of(codes, 0, codes.length), whole, 'text');
      return;
    }
    const covered = new Uint8Array(codes.length);
    const found = new Set<Origin>();
    let hits = 0;
    for (let at = 0; at + PIECE <= codes.length; at += 1) {
      if (this.#cover(codes, at, at + PIECE, covered, found)) hits += 1;
    }
    this.#shortRuns(squeezed, covered, found);
    if (!regular && isTelling(codes, covered)) {
      for (const origin of found) {
        this.#told?.(origin, 'text', false, this.#by);
        this.part.add(origin);
      }
    }
    if (hits < codes.length - PIECE + 1) return;
    for (const origin of found) {
      this.#told?.(origin, 'text', whole, this.#by);
      this.part.add(origin);
      if (whole) this.whole.add(origin);
    }
  }

  /** Numbers too short for a piece, of which a longer value may be put together. */
  #shortRuns(squeezed: SqueezedText, covered: Uint8Array, into: Set<Origin>): void {
    const { codes, starts } = squeezed;
    for (let index = 0; index < starts.length; index += 1) {
      const start = starts[index] as number;
      const end = runEnd(squeezed, index);
      const length = end - start;
      if (length < SHORT_PART_WITH_DIGIT || length >= PIECE) continue;
      if (codes.subarray(start, end).some(isDigit)) this.#cover(codes, start, end, covered, into);
    }
  }

  #cover(codes: Uint16Array, start: number, end: number, covered: Uint8Array, into: Set<Origin>): boolean {
    const found = this.#take(this.#print.of(codes, start, end), into);
    if (found) covered.fill(1, start, end);
    return found;
  }
}

/** Whether all from a run on is a time of day: few runs, each of which begins with a digit. */
function isTime({ codes, starts }: SqueezedText, from: number): boolean {
  return starts.length - from <= 4 && starts.slice(from).every((start) => isDigit(codes[start]));
}

function isTelling(codes: Uint16Array, covered: Uint8Array): boolean {
  let all = 0;
  let run = 0;
  let digit = false;
  for (let at = 0; at < codes.length; at += 1) {
    if (covered[at] === 0) {
      run = 0;
      digit = false;
      continue;
    }
    all += 1;
    run += 1;
    digit ||= isDigit(codes[at]);
    if (run >= LONG_PART || (digit && run >= LONG_PART_WITH_DIGIT)) return true;
  }
  return all * 2 >= codes.length && all > 0;
}
