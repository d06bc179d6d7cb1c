import {
  consistencyProof,
  openNote,
  parseCheckpoint,
  treeRoot,
  verifyConsistencyForLog,
} from '@provability-fabric/kernel';
import { expect } from 'vitest';
import { crypto, logVerifier } from '../reader/ledger-database.fixture.ts';

/** Every checkpoint is one of this log, signed, and each extends the smaller ones. */
export async function expectOneHistory(
  notes: readonly string[],
  leafHashes: readonly Uint8Array[],
): Promise<void> {
  const shown = [...new Set(notes)]
    .map((note) => parseCheckpoint(openNote(crypto, note, [logVerifier]).text))
    .sort((a, b) => a.size - b.size);
  const nodes = new Map<string, Uint8Array>();
  const read = (level: number, index: number): Uint8Array => {
    const name = `${level}/${index}`;
    const width = 2 ** level;
    const hash = nodes.get(name) ?? treeRoot(crypto, leafHashes.slice(index * width, (index + 1) * width));
    nodes.set(name, hash);
    return hash;
  };
  for (const [place, { size, root }] of shown.entries()) {
    expect(size).toBeLessThanOrEqual(leafHashes.length);
    const before = shown[place - 1];
    if (before === undefined || before.size === 0) {
      expect(root).toEqual(treeRoot(crypto, leafHashes.slice(0, size)));
      continue;
    }
    const proof = consistencyProof(crypto, read, before.size, size);
    const claim = { oldSize: before.size, newSize: size, oldRoot: before.root, newRoot: root, proof };
    expect(verifyConsistencyForLog(crypto, claim)).toEqual({ ok: true });
  }
}
