// RFC 6962 §2.1. The leading byte keeps leaves and inner nodes apart, so no entry can pose as a subtree.

import type { Crypto } from '../digest/crypto.ts';
import { MerkleError } from '../errors.ts';

export const HASH_BYTES = 32;

/** SHA-256(0x00 ‖ entry) */
export function leafHash(crypto: Crypto, entry: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return crypto.sha256(input);
}

/** SHA-256(0x01 ‖ left ‖ right) */
export function nodeHash(crypto: Crypto, left: Uint8Array, right: Uint8Array): Uint8Array {
  // Any other lengths would let the border between left and right move within the same 64 bytes.
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    throw new MerkleError(`expected two hashes of 32 bytes, got \`${left.length}\` and \`${right.length}\``);
  }
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return crypto.sha256(nodeInput);
}

/** One for all: a tree is nothing but calls of this, and an array of this size costs more than to hash it. */
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES).fill(1, 0, 1);

/** The root of the tree without entries: SHA-256 of nothing. */
export function emptyRoot(crypto: Crypto): Uint8Array {
  return crypto.sha256(new Uint8Array(0));
}
