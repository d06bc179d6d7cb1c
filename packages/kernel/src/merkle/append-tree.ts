import type { Crypto } from '../digest/crypto.ts';
import { MerkleError } from '../errors.ts';
import { emptyRoot, HASH_BYTES, nodeHash } from './hash.ts';
import { requireCount } from './split.ts';

export type NodeListener = (level: number, index: number, hash: Uint8Array) => void;

/**
 * A growing tree that remembers only its right edge: one hash per set bit of its size (the compact range).
 * Hashes are kept by reference: do not change them afterwards.
 */
export class AppendTree {
  /** Called for every node as it becomes complete, leaves (level 0) included, children before parents. */
  onNode: NodeListener | undefined;
  #size = 0;
  /** Complete subtrees from left to right, the largest first. */
  #range: Uint8Array[] = [];
  readonly #crypto: Crypto;

  constructor(crypto: Crypto, onNode?: NodeListener) {
    this.#crypto = crypto;
    this.onNode = onNode;
  }

  /**
   * Continues a tree of `size` leaves from its compact range. The caller checks root() against what it
   * trusts.
   */
  static restore(
    crypto: Crypto,
    size: number,
    hashes: readonly Uint8Array[],
    onNode?: NodeListener,
  ): AppendTree {
    requireCount(size, 'a tree size');
    let subtrees = 0;
    for (let left = size; left > 0; left = Math.floor(left / 2)) subtrees += left % 2;
    if (hashes.length !== subtrees || hashes.some((hash) => hash.length !== HASH_BYTES)) {
      throw new MerkleError(
        `expected \`${subtrees}\` hashes of 32 bytes for size \`${size}\`, got \`${hashes.length}\``,
      );
    }
    const tree = new AppendTree(crypto, onNode);
    tree.#size = size;
    tree.#range = [...hashes];
    return tree;
  }

  get size(): number {
    return this.#size;
  }

  append(leafHash: Uint8Array): void {
    if (leafHash.length !== HASH_BYTES) {
      throw new MerkleError(`expected a leaf hash of 32 bytes, got \`${leafHash.length}\``);
    }
    requireCount(this.#size + 1, 'a tree size');
    let hash = leafHash;
    let level = 0;
    let index = this.#size;
    this.onNode?.(level, index, hash);
    // Adding one to the size carries over its trailing ones; each carry completes a parent.
    while (index % 2 === 1) {
      hash = nodeHash(this.#crypto, this.#range.pop() as Uint8Array, hash);
      level++;
      index = (index - 1) / 2;
      this.onNode?.(level, index, hash);
    }
    this.#range.push(hash);
    this.#size++;
  }

  root(): Uint8Array {
    let at = this.#range.length - 1;
    if (at < 0) return emptyRoot(this.#crypto);
    let root = this.#range[at] as Uint8Array;
    while (--at >= 0) root = nodeHash(this.#crypto, this.#range[at] as Uint8Array, root);
    return root;
  }

  compactRange(): Uint8Array[] {
    return [...this.#range];
  }
}
