import { type Crypto, concatBytes, utf8 } from '@provability-fabric/kernel';

/** Longest window, as a power of two: places in the ring of the codes seen last. */
export const RING = 16;
export const RING_MASK = RING - 1;

/** A polynomial hash over a window of codes, with tables and factor out of the key: who lacks it can aim at nothing. */
export interface HashTables {
  readonly factor: number;
  /** What a code adds, and what it takes away once it leaves the window. */
  readonly enters: Int32Array;
  readonly leaves: Int32Array;
}

export function hashTables(crypto: Crypto, key: Uint8Array, purpose: string, width: number): HashTables {
  const enters = new Int32Array(256);
  for (let block = 0; block < 32; block += 1) {
    const random = crypto.sha256(concatBytes(key, utf8(`${purpose} ${block}`)));
    for (let word = 0; word < 8; word += 1) enters[block * 8 + word] = wordAt(random, word * 4);
  }
  // What has not come yet, or is gone, contributes nothing.
  enters[0] = 0;
  const factor = wordAt(crypto.sha256(concatBytes(key, utf8(`${purpose} factor`))), 0) | 1;
  let power = 1;
  for (let step = 0; step < width; step += 1) power = Math.imul(power, factor);
  return { factor, enters, leaves: enters.map((value) => Math.imul(value, power)) };
}

/** The place of a code in the tables. */
export function folded(code: number): number {
  return (code ^ (code >>> 8)) & 255;
}

/** Of one whole window. */
export function hashOf({ factor, enters }: HashTables, codes: Uint16Array): number {
  let hash = 0;
  for (const code of codes) hash = (Math.imul(hash, factor) + (enters[folded(code)] as number)) | 0;
  return hash;
}

export function wordAt(bytes: Uint8Array, at: number): number {
  const byte = (offset: number) => bytes[at + offset] as number;
  return (byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3);
}
