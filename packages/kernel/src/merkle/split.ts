// Sizes and indices go up to 2^53 - 1, where JavaScript's bit operators (32 bits) are wrong: arithmetic only.
import { MerkleError } from '../errors.ts';

/** The largest power of two below `size` (≥ 2): where RFC 6962 §2.1 splits a tree. */
export function splitPoint(size: number): number {
  let half = 1;
  while (half * 2 < size) half *= 2;
  return half;
}

export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function requireCount(value: number, what: string): void {
  if (!isCount(value)) throw new MerkleError(`expected ${what} of 0 to 2^53 - 1, got \`${value}\``);
}
