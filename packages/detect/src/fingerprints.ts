import { type Crypto, concatBytes } from '@provability-fabric/kernel';
import { isCommon } from './common-text.ts';
import { waysToWrite } from './encodings.ts';
import { normalCodes } from './normal-form.ts';
import { type HashTables, hashOf, hashTables, wordAt } from './rolling-hash.ts';

/** Characters that count, of a piece that is looked for. */
export const WINDOW = 12;
/** Shorter values are looked for nowhere: they could not be told from ordinary text. */
export const SHORTEST = 8;
export const KEY_BYTES = 32;

/**
 * What is needed to find values without having them. The sieve says where it is worth looking closer, the tags (64 bits of
 * a keyed digest each) decide. Neither keeps any order: hashes of windows that overlap would give the value away.
 */
export interface Fingerprints {
  readonly key: Uint8Array;
  readonly names: readonly string[];
  /** A power of two of bits. */
  readonly sieve: Uint32Array;
  /** Two words to a place, a power of two of places; `owners` has 0 where a place is free, else 1 and the name's index. */
  readonly tags: Uint32Array;
  readonly owners: Uint32Array;
  /** Whether values are among them that are shorter than a window. */
  readonly hasShort: boolean;
}

/** One secret's share; `hashes` and `tags` have two words to a window. To be kept where the values are, never sent. */
export interface SecretWindows {
  readonly name: string;
  readonly hashes: Int32Array;
  readonly tags: Uint32Array;
  readonly hasShort: boolean;
}

/** Whether a value is long enough to be looked for. */
export function isGuarded(value: string): boolean {
  return normalCodes(value).length >= SHORTEST;
}

/** The digests by which values are found; made once for a key. */
export class Fingerprinter {
  readonly #crypto: Crypto;
  readonly #key: Uint8Array;
  readonly #first: HashTables;
  readonly #second: HashTables;

  constructor(crypto: Crypto, key: Uint8Array) {
    if (key.length !== KEY_BYTES)
      throw new RangeError(`expected a key of ${KEY_BYTES} bytes, came \`${key.length}\``);
    this.#crypto = crypto;
    this.#key = key;
    this.#first = hashTables(crypto, key, 'first', WINDOW);
    this.#second = hashTables(crypto, key, 'second', WINDOW);
  }

  /** Of all values of one secret: those that are shorter than `SHORTEST` leave nothing. */
  windowsOf(name: string, values: Iterable<string>): SecretWindows {
    const hashes: number[] = [];
    const tags: number[] = [];
    let hasShort = false;
    const seen = new Set<string>();
    const add = (codes: Uint16Array, from: Uint16Array) => {
      const text = String.fromCharCode(...codes);
      if (seen.has(text) || isCommon(codes)) return;
      seen.add(text);
      hashes.push(hashOf(this.#first, from), hashOf(this.#second, from));
      const tag = tagOf(this.#crypto, this.#key, codes);
      tags.push(wordAt(tag, 0), wordAt(tag, 4));
    };
    for (const value of values) {
      if (!isGuarded(value)) continue;
      for (const { codes, stride } of waysToWrite(value)) {
        const { length } = codes;
        if (length >= WINDOW) {
          for (let at = 0; at + WINDOW <= length; at += stride) {
            const window = codes.subarray(at, at + WINDOW);
            add(window, window);
          }
          const last = codes.subarray(length - WINDOW);
          add(last, last);
        } else if (length >= SHORTEST) {
          hasShort = true;
          add(codes, codes.subarray(length - SHORTEST));
        }
      }
    }
    return { name, hashes: Int32Array.from(hashes), tags: Uint32Array.from(tags), hasShort };
  }

  /** All of them as one: whose a window is cannot be told from its place. */
  together(secrets: readonly SecretWindows[]): Fingerprints {
    const count = secrets.reduce((sum, { hashes }) => sum + hashes.length / 2, 0);
    const bits = powerOfTwo(count * 64, 12, 27);
    const sieve = new Uint32Array(2 ** (bits - 5));
    const places = 2 ** powerOfTwo(Math.ceil(count / 0.75), 4, 30);
    const tags = new Uint32Array(places * 2);
    const owners = new Uint32Array(places);
    const names = [...new Set(secrets.map(({ name }) => name))];
    const indexes = new Map(names.map((name, index) => [name, index]));
    for (const secret of secrets) {
      const owner = (indexes.get(secret.name) as number) + 1;
      for (let at = 0; at < secret.hashes.length; at += 2) {
        setBit(sieve, (secret.hashes[at] as number) >>> (32 - bits));
        setBit(sieve, (secret.hashes[at + 1] as number) >>> (32 - bits));
        put(tags, owners, secret.tags[at] as number, secret.tags[at + 1] as number, owner);
      }
    }
    const hasShort = secrets.some((secret) => secret.hasShort);
    return { key: this.#key, names, sieve, tags, owners, hasShort };
  }
}

/** Of one secret or a few: where there are many, keep what `windowsOf` gives and put it together anew. */
export function fingerprintsOf(
  crypto: Crypto,
  key: Uint8Array,
  secrets: readonly { readonly name: string; readonly values: Iterable<string> }[],
): Fingerprints {
  const printer = new Fingerprinter(crypto, key);
  return printer.together(secrets.map(({ name, values }) => printer.windowsOf(name, values)));
}

/** Keyed, so that a set alone confirms no guess. */
export function tagOf(crypto: Crypto, key: Uint8Array, codes: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(codes.length * 2);
  for (const [index, code] of codes.entries()) {
    bytes[index * 2] = code >>> 8;
    bytes[index * 2 + 1] = code & 255;
  }
  return crypto.sha256(concatBytes(key, bytes));
}

function setBit(sieve: Uint32Array, bit: number): void {
  sieve[bit >>> 5] = (sieve[bit >>> 5] as number) | (1 << (bit & 31));
}

function put(tags: Uint32Array, owners: Uint32Array, high: number, low: number, owner: number): void {
  const mask = owners.length - 1;
  for (let place = low & mask; ; place = (place + 1) & mask) {
    if (owners[place] === 0) {
      tags[place * 2] = high;
      tags[place * 2 + 1] = low;
      owners[place] = owner;
      return;
    }
    // Two secrets with one piece: that it is exposed is said of the first.
    if (tags[place * 2] === high && tags[place * 2 + 1] === low) return;
  }
}

/** Index of the owner of a tag; undefined where nobody has it. */
export function ownerOf({ tags, owners }: Fingerprints, tag: Uint8Array): number | undefined {
  const high = wordAt(tag, 0) >>> 0;
  const low = wordAt(tag, 4) >>> 0;
  const mask = owners.length - 1;
  for (let place = low & mask; owners[place] !== 0; place = (place + 1) & mask) {
    if (tags[place * 2] === high && tags[place * 2 + 1] === low) return (owners[place] as number) - 1;
  }
  return undefined;
}

function powerOfTwo(wanted: number, least: number, most: number): number {
  let exponent = least;
  while (2 ** exponent < wanted && exponent < most) exponent += 1;
  return exponent;
}
