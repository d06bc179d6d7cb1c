import { nodeCrypto } from '@provability-fabric/evidence';
import {
  AppendTree,
  type Checkpoint,
  equalBytes,
  leafHash,
  verifyConsistencyForLog,
} from '@provability-fabric/kernel';

const crypto = nodeCrypto();

export interface ShownTo {
  /** How a message names the log. */
  readonly name: string;
  /** `salt ‖ envelope` of every entry, in log order. */
  readonly entries: readonly { readonly salt: Uint8Array; readonly envelope: Uint8Array }[];
  readonly notes: Iterable<string>;
  /** Throws for what this log did not sign. */
  open(note: string): Checkpoint;
  /** As the product proves it. */
  proof(oldSize: number, newSize: number): Promise<readonly Uint8Array[]> | readonly Uint8Array[];
}

/** Whether a log continues each checkpoint it ever showed: by its entries, hashed anew, and by its own proofs. */
export async function contradictions({ name, entries, notes, open, proof }: ShownTo): Promise<string[]> {
  const problems: string[] = [];
  const shown = new Map<number, Checkpoint>();
  for (const note of notes) {
    try {
      const checkpoint = open(note);
      const before = shown.get(checkpoint.size);
      if (before !== undefined && !equalBytes(before.root, checkpoint.root))
        problems.push(`${name}: showed two roots of size ${checkpoint.size}`);
      shown.set(checkpoint.size, checkpoint);
    } catch (error) {
      problems.push(`${name}: showed what is no checkpoint of it: ${messageOf(error)}`);
    }
  }
  const tree = new AppendTree(crypto);
  for (const { salt, envelope } of entries) {
    tree.append(leafHash(crypto, crypto.sha256(joined(salt, envelope))));
    const then = shown.get(tree.size);
    if (then !== undefined && !equalBytes(then.root, tree.root()))
      problems.push(`${name}: its first ${tree.size} entries are not what it showed`);
  }
  const newRoot = tree.root();
  for (const { size: oldSize, root: oldRoot } of shown.values()) {
    if (oldSize === 0) continue;
    if (oldSize > tree.size) {
      problems.push(`${name}: a checkpoint of size ${oldSize} was shown, the log has ${tree.size}`);
      continue;
    }
    try {
      const sides = { oldSize, newSize: tree.size, oldRoot, newRoot };
      const check = verifyConsistencyForLog(crypto, { ...sides, proof: await proof(oldSize, tree.size) });
      if (!check.ok)
        problems.push(`${name}: no continuation of its checkpoint of ${oldSize}: ${check.reason}`);
    } catch (error) {
      problems.push(`${name}: gives no proof from ${oldSize} to ${tree.size}: ${messageOf(error)}`);
    }
  }
  return problems;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
