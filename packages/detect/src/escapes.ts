import { fromUtf8 } from '@provability-fabric/kernel';

const PERCENT = /(?:%[0-9A-Fa-f]{2})+/g;
const ENTITY = /&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));?/g;
const BACKSLASH = /\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|[nrtbf])/g;
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

/** A text with one layer of percent, HTML and JSON escapes taken off; undefined where there is none. */
export function unescaped(text: string): string | undefined {
  let plain = text;
  if (plain.includes('%')) plain = plain.replace(PERCENT, fromPercent);
  if (plain.includes('&')) plain = plain.replace(ENTITY, fromEntity);
  if (plain.includes('\\')) plain = plain.replace(BACKSLASH, fromBackslash);
  return plain === text ? undefined : plain;
}

function fromPercent(run: string): string {
  const bytes = new Uint8Array(run.length / 3);
  for (let index = 0; index < bytes.length; index += 1)
    bytes[index] = Number.parseInt(run.slice(index * 3 + 1, index * 3 + 3), 16);
  return textOfBytes(bytes);
}

/** As UTF-8, or byte by byte where they are none. */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  }
}

function fromEntity(
  whole: string,
  decimal: string | undefined,
  hexadecimal: string | undefined,
  name: string | undefined,
): string {
  if (name !== undefined) return NAMED[name] ?? whole;
  const point = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal);
  return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
}

/** Line breaks, tabs and the like separate, and so count for nothing. */
function fromBackslash(_whole: string, unit: string | undefined, byte: string | undefined): string {
  const digits = unit ?? byte;
  return digits === undefined ? ' ' : String.fromCharCode(Number.parseInt(digits, 16));
}
