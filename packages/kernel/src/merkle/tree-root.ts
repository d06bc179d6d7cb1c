import type { Crypto } from '../digest/crypto.ts';
import { emptyRoot, nodeHash } from './hash.ts';
import { requireCount } from './split.ts';

/** The hash of the complete subtree over the 2^level leaves from index · 2^level on, as tiles store it. */
export type NodeReader = (level: number, index: number) => Uint8Array;

/** MTH of RFC 6962 §2.1 over leaf hashes, straight from the definition. */
export function treeRoot(crypto: Crypto, leafHashes: readonly Uint8Array[]): Uint8Array {
  return rootFrom(crypto, (level, index) => complete(crypto, leafHashes, level, index), leafHashes.length);
}

function complete(crypto: Crypto, leaves: readonly Uint8Array[], level: number, index: number): Uint8Array {
  if (level === 0) return leaves[index] as Uint8Array;
  return nodeHash(
    crypto,
    complete(crypto, leaves, level - 1, 2 * index),
    complete(crypto, leaves, level - 1, 2 * index + 1),
  );
}

/** The root of the first `size` leaves, reading one complete subtree per set bit of `size`. */
export function rootFrom(crypto: Crypto, read: NodeReader, size: number): Uint8Array {
  requireCount(size, 'a tree size');
  return size === 0 ? emptyRoot(crypto) : subtreeHash(crypto, read, 0, size);
}

/**
 * The hash over `size` leaves from `start` on, where `start` is a border that RFC 6962's splitting reaches.
 */
export function subtreeHash(crypto: Crypto, read: NodeReader, start: number, size: number): Uint8Array {
  let width = 1;
  let level = 0;
  while (width < size) {
    width *= 2;
    level++;
  }
  if (width === size) return read(level, start / size);
  const half = width / 2;
  return nodeHash(
    crypto,
    read(level - 1, start / half),
    subtreeHash(crypto, read, start + half, size - half),
  );
}
