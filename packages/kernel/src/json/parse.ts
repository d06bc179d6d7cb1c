// A strict and lossless JSON reader (RFC 8259). JSON.parse keeps the last of two equal keys, rounds large
// integers and passes lone surrogates: each lets one document mean two things to two readers, so each is
// refused or kept here.
import { fromUtf8 } from '../bytes/utf8.ts';
import { isWellFormed, loneSurrogateAt } from '../bytes/well-formed.ts';
import { BytesError, JsonError } from '../errors.ts';
import { closingQuote, firstBadCharacter } from './string-literal.ts';
import { type JsonValue, MAX_JSON_DEPTH, quoteKey, setMember } from './value.ts';

const MAX_INTEGER_DIGITS = 4096;
const DEFAULT_DEPTH = 512;

// Longer strings, and those with escapes, go through the engine's own reader: it is faster on them, and it
// copies. (A slice of 13 or more characters keeps its whole source text alive, and sessions keep single
// fields for hours.)
const SLICED_LENGTH = 24;
const COPY_FROM_DOCUMENT_LENGTH = 16_384;

const END = -1;

export interface ParseOptions {
  /** Nesting of arrays and objects, at most MAX_JSON_DEPTH; 512 unless said. */
  readonly maxDepth?: number;
}

/** Reads one JSON document; throws JsonError. */
export function parseJson(text: string, options?: ParseOptions): JsonValue {
  const maxDepth = options?.maxDepth ?? DEFAULT_DEPTH;
  if (!(maxDepth >= 0 && maxDepth <= MAX_JSON_DEPTH)) {
    throw new RangeError(`expected a maxDepth of 0 to ${MAX_JSON_DEPTH}, got \`${maxDepth}\``);
  }
  // From here on only escapes can bring half a surrogate pair.
  if (!isWellFormed(text)) throw loneSurrogate(loneSurrogateAt(text));
  return new Reader(text, maxDepth).document();
}

/** Reads one JSON document from strict UTF-8 without byte order mark; throws JsonError. */
export function parseJsonBytes(bytes: Uint8Array, options?: ParseOptions): JsonValue {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new JsonError(
      'JSON_UTF8',
      'expected UTF-8 without a byte order mark; remove the first three bytes',
      0,
    );
  }
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (error) {
    if (!(error instanceof BytesError)) throw error;
    throw new JsonError('JSON_UTF8', 'expected UTF-8, got a byte sequence that is none', error.offset);
  }
  return parseJson(text, options);
}

class Reader {
  private at = 0;
  private depth = 0;
  private readonly text: string;
  private readonly length: number;
  private readonly maxDepth: number;
  private readonly slicedLength: number;

  constructor(text: string, maxDepth: number) {
    this.text = text;
    this.length = text.length;
    this.maxDepth = maxDepth;
    this.slicedLength = text.length > COPY_FROM_DOCUMENT_LENGTH ? 12 : SLICED_LENGTH;
  }

  document(): JsonValue {
    const value = this.value(this.skipSpace());
    if (this.skipSpace() !== END) throw this.unexpected('the end of the document');
    return value;
  }

  private peek(at: number): number {
    return at < this.length ? this.text.charCodeAt(at) : END;
  }

  /** The next character that is not white space. */
  private skipSpace(): number {
    const text = this.text;
    const length = this.length;
    for (let at = this.at; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x20 || (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09)) {
        this.at = at;
        return code;
      }
    }
    this.at = length;
    return END;
  }

  private value(code: number): JsonValue {
    switch (code) {
      case 0x22:
        return this.string();
      case 0x7b:
        return this.object();
      case 0x5b:
        return this.array();
      case 0x74:
        return this.word('true', true);
      case 0x66:
        return this.word('false', false);
      case 0x6e:
        return this.word('null', null);
      default:
        if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return this.number(code);
        throw this.unexpected('a JSON value');
    }
  }

  private word(word: string, value: boolean | null): boolean | null {
    if (!this.text.startsWith(word, this.at)) throw this.unexpected('a JSON value');
    this.at += word.length;
    return value;
  }

  private enter(): void {
    if (++this.depth > this.maxDepth) {
      throw new JsonError('JSON_DEPTH', `expected at most ${this.maxDepth} levels of nesting`, this.at);
    }
    this.at++;
  }

  private array(): JsonValue {
    this.enter();
    const items: JsonValue[] = [];
    let code = this.skipSpace();
    if (code !== 0x5d) {
      for (;;) {
        items.push(this.value(code));
        code = this.skipSpace();
        if (code === 0x5d) break;
        if (code !== 0x2c) throw this.unexpected('`,` or `]`');
        this.at++;
        code = this.skipSpace();
      }
    }
    this.at++;
    this.depth--;
    return items;
  }

  private object(): JsonValue {
    this.enter();
    const members: Record<string, JsonValue> = {};
    let code = this.skipSpace();
    if (code !== 0x7d) {
      for (;;) {
        if (code !== 0x22) throw this.unexpected('a key in double quotes');
        const start = this.at;
        const key = this.string();
        if (Object.hasOwn(members, key)) {
          throw new JsonError(
            'JSON_DUPLICATE_KEY',
            `expected each key once, got ${quoteKey(key)} twice`,
            start,
          );
        }
        if (this.skipSpace() !== 0x3a) throw this.unexpected('`:`');
        this.at++;
        setMember(members, key, this.value(this.skipSpace()));
        code = this.skipSpace();
        if (code === 0x7d) break;
        if (code !== 0x2c) throw this.unexpected('`,` or `}`');
        this.at++;
        code = this.skipSpace();
      }
    }
    this.at++;
    this.depth--;
    return members;
  }

  private number(first: number): number | bigint {
    const start = this.at;
    const digits = first === 0x2d ? start + 1 : start;
    let at = digits;
    let code = this.peek(at);
    let small = 0; // exact while there are at most 15 digits
    while (code >= 0x30 && code <= 0x39) {
      small = small * 10 + (code - 0x30);
      code = this.peek(++at);
    }
    const count = at - digits;
    if (count === 0) throw this.unexpected('a digit', at);
    if (count > 1 && this.text.charCodeAt(digits) === 0x30) {
      throw this.unexpected('a number without leading zeros', digits);
    }
    if (code === 0x2e || code === 0x65 || code === 0x45) return this.double(start, at);
    this.at = at;
    if (count <= 15) return first === 0x2d ? -small : small;
    if (count > MAX_INTEGER_DIGITS) {
      throw new JsonError(
        'JSON_NUMBER_RANGE',
        `expected an integer of at most ${MAX_INTEGER_DIGITS} digits`,
        start,
      );
    }
    const literal = this.text.slice(start, at);
    const value = Number(literal);
    return Number.isSafeInteger(value) ? value : BigInt(literal);
  }

  private double(start: number, from: number): number | bigint {
    let at = from;
    if (this.peek(at) === 0x2e) at = this.digits(at + 1);
    const exponent = this.peek(at);
    if (exponent === 0x65 || exponent === 0x45) {
      const sign = this.peek(at + 1);
      at = this.digits(sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
    }
    this.at = at;
    const value = Number(this.text.slice(start, at));
    if (!Number.isFinite(value)) {
      throw new JsonError('JSON_NUMBER_RANGE', 'expected a number within the range of a double', start);
    }
    // RFC 8785 prints such a double in all its digits, and those read back as a bigint. Taking it as one here gives every
    // canonical text one value: what was decided on is then what a verifier reads from the record.
    const printsAsInteger = Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
    return printsAsInteger ? BigInt(String(value)) : value;
  }

  private digits(from: number): number {
    let at = from;
    for (let code = this.peek(at); code >= 0x30 && code <= 0x39; ) code = this.peek(++at);
    if (at === from) throw this.unexpected('a digit', at);
    return at;
  }

  /** At an opening quote. Most strings are short and without escapes: one slice. */
  private string(): string {
    const text = this.text;
    const start = this.at + 1;
    const limit = Math.min(this.length, start + this.slicedLength);
    let at = start;
    while (at < limit) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        this.at = at + 1;
        return text.slice(start, at);
      }
      if (code === 0x5c || code < 0x20) break;
      at++;
    }
    return this.literal(at);
  }

  /** The rest of the work for a string that has an escape or is long; nothing special lies before `from`. */
  private literal(from: number): string {
    const start = this.at;
    const close = closingQuote(this.text, from);
    if (close < 0) throw this.badString(from, this.length);
    let value: string;
    try {
      value = JSON.parse(this.text.slice(start, close + 1)) as string;
    } catch {
      throw this.badString(from, close);
    }
    if (!isWellFormed(value)) throw loneSurrogate(start);
    this.at = close + 1;
    return value;
  }

  /** The engine does not say where; its error names no content either. */
  private badString(from: number, end: number): JsonError {
    const bad = firstBadCharacter(this.text, from, end);
    if (bad < 0) return this.unexpected('a closing quote', end);
    return this.unexpected('control characters to be escaped, and only the escapes of JSON', bad);
  }

  private unexpected(expected: string, at = this.at): JsonError {
    const code = this.peek(at);
    const came =
      code === END
        ? 'the end'
        : code > 0x20 && code < 0x7f
          ? `\`${this.text.charAt(at)}\``
          : `U+${code.toString(16).padStart(4, '0')}`;
    return new JsonError('JSON_SYNTAX', `expected ${expected}, got ${came}`, at);
  }
}

function loneSurrogate(at: number): JsonError {
  return new JsonError('JSON_LONE_SURROGATE', 'expected Unicode text, got a lone surrogate', at);
}
