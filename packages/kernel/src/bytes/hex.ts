import { BytesError } from '../errors.ts';

const DIGITS = '0123456789abcdef';
const PAIRS: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => DIGITS.charAt(byte >> 4) + DIGITS.charAt(byte & 15),
);

/** Lowercase hexadecimal. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += PAIRS[bytes[i] as number];
  return text;
}

/** Reads lowercase hexadecimal only: one byte string has one spelling, so digests can be compared as text. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) {
    throw new BytesError('BAD_HEX', `expected an even number of hex digits, got \`${text.length}\``);
  }
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const digit =
      code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
    if (digit < 0) throw new BytesError('BAD_HEX', 'expected lowercase hex digits', i);
    out[i >> 1] = ((out[i >> 1] as number) << 4) | digit;
  }
  return out;
}
