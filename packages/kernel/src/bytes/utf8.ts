// Strict UTF-8 in both directions. The pure loops below define the behaviour; a platform coder, where one
// exists, only makes long texts faster (a test holds the two together).
import { BytesError } from '../errors.ts';
import { isWellFormed, loneSurrogateAt } from './well-formed.ts';

interface Platform {
  readonly TextEncoder?: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder?: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string };
}

const platform = globalThis as Platform;
const encoder = platform.TextEncoder === undefined ? undefined : new platform.TextEncoder();
// ignoreBOM keeps a leading U+FEFF in the text: dropping it would give two byte strings one reading.
const decoder = makeDecoder();

function makeDecoder(): { decode(bytes: Uint8Array): string } | undefined {
  if (platform.TextDecoder === undefined) return undefined;
  try {
    return new platform.TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  } catch {
    return undefined; // an engine built without ICU has no fatal mode
  }
}

// Below this length the loop beats the call into the platform.
const SHORT = 48;

/** The UTF-8 bytes of a text; throws BytesError BAD_TEXT on a lone surrogate. */
export function utf8(text: string): Uint8Array {
  if (encoder === undefined || text.length < SHORT) return encodeUtf8(text);
  if (!isWellFormed(text)) throw loneSurrogate(loneSurrogateAt(text));
  return encoder.encode(text);
}

/** The text of UTF-8 bytes; throws BytesError BAD_UTF8 on overlong, surrogate, truncated or stray bytes. */
export function fromUtf8(bytes: Uint8Array): string {
  if (decoder === undefined || bytes.length < SHORT) return decodeUtf8(bytes);
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeUtf8(bytes); // throws, with the offset that the platform does not tell
  }
}

export function encodeUtf8(text: string): Uint8Array {
  const units = text.length;
  const out = new Uint8Array(units * 3);
  let at = 0;
  for (let i = 0; i < units; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      out[at++] = code;
      continue;
    }
    if (code < 0x800) {
      out[at++] = 0xc0 | (code >> 6);
      out[at++] = 0x80 | (code & 0x3f);
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      const low = i + 1 < units ? text.charCodeAt(i + 1) : 0;
      if (code > 0xdbff || low < 0xdc00 || low > 0xdfff) throw loneSurrogate(i);
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      i++;
      out[at++] = 0xf0 | (code >> 18);
      out[at++] = 0x80 | ((code >> 12) & 0x3f);
    } else {
      out[at++] = 0xe0 | (code >> 12);
    }
    out[at++] = 0x80 | ((code >> 6) & 0x3f);
    out[at++] = 0x80 | (code & 0x3f);
  }
  return out.slice(0, at);
}

export function decodeUtf8(bytes: Uint8Array): string {
  let text = '';
  let units: number[] = [];
  let i = 0;
  while (i < bytes.length) {
    const start = i;
    const lead = bytes[i++] as number;
    if (lead < 0x80) {
      units.push(lead);
    } else {
      const more =
        lead >= 0xc2 && lead < 0xe0
          ? 1
          : lead >= 0xe0 && lead < 0xf0
            ? 2
            : lead >= 0xf0 && lead < 0xf5
              ? 3
              : 0;
      if (more === 0) throw badUtf8(start);
      let code = lead & (0x3f >> more);
      for (let k = 0; k < more; k++) {
        const next = bytes[i++] ?? 0;
        if ((next & 0xc0) !== 0x80) throw badUtf8(start);
        code = (code << 6) | (next & 0x3f);
      }
      // Overlong forms, surrogates and what lies past U+10FFFF would be second spellings of some text, or of
      // none.
      if (more === 2 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) throw badUtf8(start);
      if (more === 3 && (code < 0x10000 || code > 0x10ffff)) throw badUtf8(start);
      if (code < 0x10000) units.push(code);
      else units.push(0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
    }
    if (units.length >= 4096) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  }
  return text + String.fromCharCode.apply(null, units);
}

function badUtf8(offset: number): BytesError {
  return new BytesError(
    'BAD_UTF8',
    'expected UTF-8, got a byte sequence that is none; encode the text as UTF-8',
    offset,
  );
}

function loneSurrogate(offset: number): BytesError {
  return new BytesError(
    'BAD_TEXT',
    'expected Unicode text, got a lone surrogate, which UTF-8 cannot carry',
    offset,
  );
}
