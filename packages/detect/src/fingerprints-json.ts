import { base64, field, fromBase64, type JsonValue } from '@provability-fabric/kernel';
import { type Fingerprints, KEY_BYTES } from './fingerprints.ts';

/** For a neighbour that is trusted to look for the values and not to have them. */
export function fingerprintsToJson(fingerprints: Fingerprints): JsonValue {
  const { key, names, sieve, tags, owners, hasShort } = fingerprints;
  return {
    key: base64(key),
    names,
    sieve: base64(bytesOf(sieve)),
    tags: base64(bytesOf(tags)),
    owners: base64(bytesOf(owners)),
    has_short: hasShort,
  };
}

/** undefined for what is none. */
export function fingerprintsFromJson(value: JsonValue): Fingerprints | undefined {
  const names = field(value, 'names');
  const hasShort = field(value, 'has_short');
  const key = binary(value, 'key');
  const sieve = words(binary(value, 'sieve'));
  const tags = words(binary(value, 'tags'));
  const owners = words(binary(value, 'owners'));
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) return undefined;
  if (key?.length !== KEY_BYTES || sieve === undefined || tags === undefined || owners === undefined)
    return undefined;
  const fits = isPowerOfTwo(sieve.length) && isPowerOfTwo(owners.length);
  if (!fits || tags.length !== owners.length * 2 || typeof hasShort !== 'boolean') return undefined;
  // A search ends at a free place; an owner is somebody.
  if (!owners.includes(0) || owners.some((owner) => owner > names.length)) return undefined;
  return { key, names: names as readonly string[], sieve, tags, owners, hasShort };
}

function binary(value: JsonValue, name: string): Uint8Array | undefined {
  const text = field(value, name);
  if (typeof text !== 'string') return undefined;
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}

/** Lowest byte first, whatever the machine does. */
function bytesOf(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word, true);
  return bytes;
}

function words(bytes: Uint8Array | undefined): Uint32Array | undefined {
  if (bytes === undefined || bytes.length === 0 || bytes.length % 4 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
