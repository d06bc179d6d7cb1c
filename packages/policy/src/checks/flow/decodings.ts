import { fromUtf8 } from '@provability-fabric/kernel';
import { collectScalars, type Scalar } from './arguments.ts';
import { jsonIn } from './result-parts.ts';

/** How short an encoded text may be to be looked for. Each pattern is one run of one class, so linear. */
export const ENCODED = {
  /** In a result, which may be long. */
  long: { least: 12, base64: /[A-Za-z0-9+/_-]{12,}/g, hex: /(?:[0-9A-Fa-f]{2}){6,}/g },
  /** Inside a value. */
  short: { least: 8, base64: /[A-Za-z0-9+/_-]{8,}/g, hex: /(?:[0-9A-Fa-f]{2}){4,}/g },
  /** A whole value. */
  whole: { least: 4, base64: /[A-Za-z0-9+/_-]{4,}/g, hex: /(?:[0-9A-Fa-f]{2}){2,}/g },
} as const;

/** What stands encoded in a text, one level deep: URL and back-slash escapes, base64 of both alphabets, hex. */
export function decodings(
  text: string,
  { least, base64, hex }: (typeof ENCODED)[keyof typeof ENCODED],
): readonly string[] {
  const found: string[] = [];
  const keep = (decoded: string | undefined) => {
    if (decoded !== undefined && decoded !== text) found.push(decoded);
  };
  if (text.includes('%')) keep(urlDecoded(text));
  keep(unescaped(text));
  for (const [token] of text.matchAll(base64)) {
    const whole = base64Decoded(token);
    keep(whole);
    if (whole !== undefined || !/[/_-]/.test(token)) continue;
    // A path or a joined name: its pieces may be base64 of the alphabet that lacks the joint.
    for (const joint of ['/', /[_-]/]) {
      for (const piece of token.split(joint)) if (piece.length >= least) keep(base64Decoded(piece));
    }
  }
  for (const [token] of text.matchAll(hex)) keep(hexDecoded(token));
  return found;
}

/** By which encoding a text holds another one; for who explains, not for who decides. */
export function encodingOf(text: string, decoded: string): string | undefined {
  if (jsonTexts(text).includes(decoded)) return 'JSON';
  if (urlDecoded(text) === decoded) return 'URL escapes';
  if (unescaped(text) === decoded) return 'backslash escapes';
  const unbroken = text.replace(UNBROKEN, '');
  const tokens = [text, unbroken].flatMap((each) => [...(each.match(ENCODED.whole.hex) ?? [])]);
  if (tokens.some((token) => hexDecoded(token) === decoded)) return 'hex';
  return decodings(text, ENCODED.whole).includes(decoded) ||
    decodings(unbroken, ENCODED.whole).includes(decoded)
    ? 'base64'
    : undefined;
}

/** What breaks an encoded text into lines or pairs. */
export const UNBROKEN = /[ \t\r\n:=]+/g;

/** The texts inside a text that is JSON. */
export function jsonTexts(text: string): readonly string[] {
  const inner = jsonIn(text);
  if (inner === undefined) return [];
  const scalars: Scalar[] = [];
  collectScalars(inner, scalars);
  return scalars.filter((scalar) => typeof scalar === 'string');
}

/** A text with its back-slash escapes (JSON's, and `\\xHH`) resolved; undefined where it has none. */
export function unescaped(text: string): string | undefined {
  if (!text.includes('\\')) return undefined;
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|[bfnrt])/g, (_escape, unit, byte) =>
    unit === undefined && byte === undefined ? ' ' : String.fromCharCode(Number.parseInt(unit ?? byte, 16)),
  );
}

export function urlDecoded(text: string): string | undefined {
  const bytes: number[] = [];
  let escapes = 0;
  let decoded = '';
  const flush = () => {
    decoded += bytes.length === 0 ? '' : (readable(bytes) ?? ' ');
    bytes.length = 0;
  };
  for (let index = 0; index < text.length; index += 1) {
    const high = text[index] === '%' ? hexValue(text.charCodeAt(index + 1)) : -1;
    const low = high < 0 ? -1 : hexValue(text.charCodeAt(index + 2));
    if (low < 0) {
      flush();
      decoded += text[index];
    } else {
      bytes.push(high * 16 + low);
      escapes += 1;
      index += 2;
    }
  }
  flush();
  return escapes === 0 ? undefined : decoded;
}

function base64Decoded(token: string): string | undefined {
  if (token.length % 4 === 1) return undefined;
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (let index = 0; index < token.length; index += 1) {
    held = ((held << 6) | base64Value(token.charCodeAt(index))) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    const byte = (held >> bits) & 0xff;
    if (isControl(byte)) return undefined;
    bytes.push(byte);
  }
  return readable(bytes);
}

function hexDecoded(token: string): string | undefined {
  const bytes: number[] = [];
  for (let index = 0; index + 1 < token.length; index += 2) {
    const byte = hexValue(token.charCodeAt(index)) * 16 + hexValue(token.charCodeAt(index + 1));
    if (isControl(byte)) return undefined;
    bytes.push(byte);
  }
  return readable(bytes);
}

function isControl(byte: number): boolean {
  return byte === 0x7f || (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
}

function readable(bytes: readonly number[]): string | undefined {
  return bytes.length > 0 && isUtf8(bytes) ? fromUtf8(Uint8Array.from(bytes)) : undefined;
}

/** Asked first, since most of what looks like an encoding is none and an exception costs far more than a look. */
function isUtf8(bytes: readonly number[]): boolean {
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] as number;
    const more =
      lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
    if (more < 0) return false;
    for (let step = 1; step <= more; step += 1) {
      const byte = bytes[at + step] ?? 0;
      const [least, most] = step > 1 ? [0x80, 0xbf] : secondByte(lead);
      if (byte < least || byte > most) return false;
    }
    at += more + 1;
  }
  return true;
}

/** RFC 3629: neither overlong forms nor surrogates nor anything past U+10FFFF. */
function secondByte(lead: number): readonly [number, number] {
  if (lead === 0xe0) return [0xa0, 0xbf];
  if (lead === 0xed) return [0x80, 0x9f];
  if (lead === 0xf0) return [0x90, 0xbf];
  if (lead === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}

function base64Value(code: number): number {
  if (code > 0x60) return code - 0x47;
  if (code > 0x40 && code !== 0x5f) return code - 0x41;
  if (isDigitCode(code)) return code + 4;
  return code === 0x2b || code === 0x2d ? 62 : 63;
}

function isDigitCode(code: number): boolean {
  return code > 0x2f && code < 0x3a;
}

function hexValue(code: number): number {
  if (isDigitCode(code)) return code - 0x30;
  const lower = code | 0x20;
  return lower > 0x60 && lower < 0x67 ? lower - 0x57 : -1;
}
