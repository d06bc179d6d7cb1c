import type { Crypto } from '@provability-fabric/kernel';
import { type Fingerprints, ownerOf, SHORTEST, tagOf, WINDOW } from './fingerprints.ts';
import { ASCII, normalCode } from './normal-form.ts';
import { folded, type HashTables, RING, RING_MASK } from './rolling-hash.ts';

/** What all readers of one set of fingerprints share. */
export interface ReadingTools {
  readonly crypto: Crypto;
  readonly fingerprints: Fingerprints;
  readonly first: HashTables;
  readonly second: HashTables;
  /** Of the window's hash: WINDOW, or SHORTEST for values that are shorter than a window. */
  readonly width: number;
}

/** Of windows that were digested in vain, or found: who repeats one all over must not have it digested each time. */
const REMEMBERED = 4096;

/**
 * Reads texts one after the other as if they were one. A constant number of steps to a character: a hash rolls along, and
 * only windows that the sieve lets through, by two hashes, are digested.
 */
export class WindowReader {
  readonly #tools: ReadingTools;
  readonly #found: Map<string, string>;
  readonly #shift: number;
  /** Nothing enters it before the first code: what has not come contributes nothing. */
  readonly #ring = new Uint16Array(RING);
  readonly #looked = new Set<string>();
  #seen = 0;
  #hash = 0;

  constructor(tools: ReadingTools, found: Map<string, string>) {
    this.#tools = tools;
    this.#found = found;
    this.#shift = 32 - (Math.log2(tools.fingerprints.sieve.length) + 5);
  }

  /** Another reader that has read what this one has. */
  copy(): WindowReader {
    const copy = new WindowReader(this.#tools, this.#found);
    copy.#ring.set(this.#ring);
    copy.#seen = this.#seen;
    copy.#hash = this.#hash;
    return copy;
  }

  read(text: string, pointer: string): void {
    const { fingerprints, first, width } = this.#tools;
    const { sieve } = fingerprints;
    const { factor, enters, leaves } = first;
    const ring = this.#ring;
    const shift = this.#shift;
    // Everything in reach: this loop runs for each character that passes.
    const ascii = ASCII;
    const mask = RING_MASK;
    let seen = this.#seen;
    let hash = this.#hash;
    for (let index = 0; index < text.length; index += 1) {
      const unit = text.charCodeAt(index);
      const code = unit < 128 ? (ascii[unit] as number) : normalCode(unit);
      if (code === 0) continue;
      const gone = ring[(seen - width) & mask] as number;
      const entering = enters[(code ^ (code >>> 8)) & 255] as number;
      const leaving = leaves[(gone ^ (gone >>> 8)) & 255] as number;
      hash = (Math.imul(hash, factor) + entering - leaving) | 0;
      ring[seen & mask] = code;
      seen += 1;
      const bit = hash >>> shift;
      if (((sieve[bit >>> 5] as number) & (1 << (bit & 31))) !== 0 && seen >= width)
        this.#look(seen, pointer);
    }
    this.#seen = seen;
    this.#hash = hash;
  }

  #look(seen: number, pointer: string): void {
    const { fingerprints, second, width } = this.#tools;
    const { enters, factor } = second;
    let hash = 0;
    for (let at = seen - width; at < seen; at += 1)
      hash = (Math.imul(hash, factor) + (enters[folded(this.#ring[at & RING_MASK] as number)] as number)) | 0;
    const bit = hash >>> this.#shift;
    if (((fingerprints.sieve[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return;
    const longest = width === SHORTEST ? Math.min(WINDOW - 1, seen) : width;
    for (let length = width; length <= longest; length += 1) this.#digest(seen, length, pointer);
  }

  #digest(seen: number, length: number, pointer: string): void {
    const { crypto, fingerprints } = this.#tools;
    const codes = new Uint16Array(length);
    for (let index = 0; index < length; index += 1)
      codes[index] = this.#ring[(seen - length + index) & RING_MASK] as number;
    const window = String.fromCharCode(...codes);
    if (this.#looked.has(window)) return;
    if (this.#looked.size < REMEMBERED) this.#looked.add(window);
    const owner = ownerOf(fingerprints, tagOf(crypto, fingerprints.key, codes));
    const name = owner === undefined ? undefined : fingerprints.names[owner];
    if (name !== undefined && !this.#found.has(name)) this.#found.set(name, pointer);
  }
}
