import { base64Into } from '../bytes/base64.ts';
import { utf8 } from '../bytes/utf8.ts';
import { isWellFormed } from '../bytes/well-formed.ts';
import { type JsonObject, type JsonValue, MAX_JSON_DEPTH } from './value.ts';
import {
  depthExceeded,
  isArray,
  loneSurrogate,
  numberText,
  requirePlain,
  sortByCodeUnits,
  unrepresentable,
  unsafeNumber,
} from './write.ts';

const FIRST_BYTES = 4096;
/** A writer that is used again keeps no more than this: one huge document must not hold its memory for ever. */
const KEPT_BYTES = 256 * 1024;
/** Longer strings are quoted and encoded by the engine. */
const LOOP_LENGTH = 512;

/** Making and collecting memory for each statement apart costs several times as much as copying it. */
const SLAB_BYTES = 64 * 1024;
let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/**
 * RFC 8785 straight into bytes, in the form that `canonicalJson` has as a text. For what is hashed or stored: it saves the
 * text, and an encoder's call for each of many small values. Holds one document, or its parts one after another.
 */
export class CanonicalWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;
  readonly #safeIntegersOnly: boolean;

  /** `safeIntegersOnly`: the form of our own statements. */
  constructor(safeIntegersOnly = false) {
    this.#safeIntegersOnly = safeIntegersOnly;
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(FIRST_BYTES);
  }

  /** What has been written from one position to another. Valid until the next call that writes or clears. */
  view(from = 0, to = this.#length): Uint8Array {
    return this.#bytes.subarray(from, to);
  }

  /** What has been written, to keep. A short copy is a view of memory that it shares with the next ones. */
  copy(): Uint8Array {
    const length = this.#length;
    if (length > SLAB_BYTES / 8) return this.#bytes.slice(0, length);
    if (slabUsed + length > SLAB_BYTES) {
      slab = new Uint8Array(SLAB_BYTES);
      slabUsed = 0;
    }
    const kept = slab.subarray(slabUsed, slabUsed + length);
    kept.set(this.#bytes.subarray(0, length));
    slabUsed += length;
    return kept;
  }

  /** Text as it is, ASCII only: the caller's own punctuation. */
  ascii(text: string): void {
    const { length } = text;
    this.#reserve(length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  raw(part: Uint8Array): void {
    this.#reserve(part.length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }

  /** In lowercase hexadecimal. */
  hex(part: Uint8Array): void {
    this.#reserve(2 * part.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < part.length; i++) {
      const byte = part[i] as number;
      bytes[at++] = DIGITS[byte >> 4] as number;
      bytes[at++] = DIGITS[byte & 15] as number;
    }
    this.#length = at;
  }

  /** In base64 with padding (RFC 4648 §4). */
  base64(part: Uint8Array): void {
    this.#reserve(4 * Math.ceil(part.length / 3));
    this.#length = base64Into(this.#bytes, this.#length, part);
  }

  /** A value; throws JsonError for one that JSON cannot say exactly, and what was written before it remains. */
  value(value: JsonValue): void {
    this.#value(value, 0, '');
  }

  #value(value: JsonValue, depth: number, where: string): void {
    switch (typeof value) {
      case 'string':
        this.#string(value, where);
        break;
      case 'number':
        this.ascii(numberText(value, this.#safeIntegersOnly, where));
        break;
      case 'boolean':
        this.ascii(value ? 'true' : 'false');
        break;
      case 'bigint':
        if (this.#safeIntegersOnly) throw unsafeNumber(where);
        this.ascii(value.toString());
        break;
      case 'object':
        if (value === null) this.ascii('null');
        else if (depth >= MAX_JSON_DEPTH) throw depthExceeded();
        else if (isArray(value)) this.#array(value, depth + 1);
        else this.#object(value, depth + 1, where);
        break;
      default:
        throw unrepresentable(typeof value, where);
    }
  }

  #array(items: readonly JsonValue[], depth: number): void {
    this.#byte(0x5b);
    for (let i = 0; i < items.length; i++) {
      if (i > 0) this.#byte(0x2c);
      this.#value(items[i] as JsonValue, depth, 'an array');
    }
    this.#byte(0x5d);
  }

  #object(object: JsonObject, depth: number, where: string): void {
    requirePlain(object, where);
    const keys = Object.keys(object);
    sortByCodeUnits(keys);
    this.#byte(0x7b);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      if (i > 0) this.#byte(0x2c);
      this.#string(key, 'a key');
      this.#byte(0x3a);
      this.#value(object[key] as JsonValue, depth, key);
    }
    this.#byte(0x7d);
  }

  #string(text: string, where: string): void {
    if (this.#plain(text)) return;
    // ECMAScript's quoting is RFC 8785's (§3.2.2.2) for every well-formed string.
    if (!isWellFormed(text)) throw loneSurrogate(where);
    this.raw(utf8(JSON.stringify(text)));
  }

  /** Writes a short string of printable ASCII that no JSON text escapes; answers false, with nothing written, for others. */
  #plain(text: string): boolean {
    const { length } = text;
    if (length > LOOP_LENGTH) return false;
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = 0x22;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code >= 0x7f || code === 0x22 || code === 0x5c) return false;
      bytes[at++] = code;
    }
    bytes[at++] = 0x22;
    this.#length = at;
    return true;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
