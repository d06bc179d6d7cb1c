import { BytesError } from '../errors.ts';
import { fromUtf8 } from './utf8.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CODES = new Uint8Array(64);
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) {
  const code = ALPHABET.charCodeAt(i);
  CODES[i] = code;
  VALUES[code] = i;
}
const PAD = 0x3d;

/** RFC 4648 §4 base64 with padding. */
export function base64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  base64Into(out, 0, bytes);
  return fromUtf8(out);
}

/** Writes base64 into `out` from `at` on; answers where it ends. */
export function base64Into(out: Uint8Array, at: number, bytes: Uint8Array): number {
  const whole = bytes.length - (bytes.length % 3);
  let end = at;
  for (let i = 0; i < whole; i += 3) {
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    out[end++] = CODES[word >> 18] as number;
    out[end++] = CODES[(word >> 12) & 63] as number;
    out[end++] = CODES[(word >> 6) & 63] as number;
    out[end++] = CODES[word & 63] as number;
  }
  if (whole < bytes.length) {
    const word = ((bytes[whole] as number) << 16) | ((bytes[whole + 1] ?? 0) << 8);
    out[end++] = CODES[word >> 18] as number;
    out[end++] = CODES[(word >> 12) & 63] as number;
    out[end++] = bytes.length - whole === 2 ? (CODES[(word >> 6) & 63] as number) : PAD;
    out[end++] = PAD;
  }
  return end;
}

/**
 * Reads RFC 4648 §4 base64 strictly: standard alphabet, padding present, unused bits zero (§3.5). Signatures
 * over decoded bytes then also pin the encoded text, so nobody can respell an envelope without breaking it.
 */
export function fromBase64(text: string): Uint8Array {
  const length = text.length;
  if (length % 4 !== 0) {
    throw new BytesError(
      'BAD_BASE64',
      `expected base64 of a length divisible by 4, got \`${length}\`; pad with =`,
    );
  }
  if (length === 0) return new Uint8Array(0);
  const padding = text.charCodeAt(length - 1) !== PAD ? 0 : text.charCodeAt(length - 2) !== PAD ? 1 : 2;
  const out = new Uint8Array((length / 4) * 3 - padding);
  const digits = length - padding;
  let at = 0;
  let word = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    const value = i >= digits ? 0 : code < 128 ? (VALUES[code] as number) : -1;
    if (value < 0)
      throw new BytesError('BAD_BASE64', 'expected a character of the standard base64 alphabet', i);
    word = (word << 6) | value;
    if ((i & 3) === 3) {
      out[at++] = word >> 16;
      if (at < out.length) out[at++] = word >> 8;
      if (at < out.length) out[at++] = word;
      // Typed arrays drop writes past their end, so the dropped bits are checked here.
      if (i === length - 1 && (word & ((1 << (padding * 8)) - 1)) !== 0) {
        throw new BytesError(
          'BAD_BASE64',
          'expected zero bits before the padding; encode it again',
          length - 1,
        );
      }
      word = 0;
    }
  }
  return out;
}
