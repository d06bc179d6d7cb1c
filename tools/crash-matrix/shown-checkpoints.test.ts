import { nodeCrypto } from '@provability-fabric/evidence';
import {
  AppendTree,
  consistencyProof,
  fromHex,
  hex,
  leafHash,
  treeRoot,
  utf8,
} from '@provability-fabric/kernel';
import { describe, expect, test } from 'vitest';
import { contradictions } from './shown-checkpoints.ts';

const crypto = nodeCrypto();
const entryOf = (text: string) => ({ salt: new Uint8Array(32), envelope: utf8(text) });
const leafOf = ({ salt, envelope }: ReturnType<typeof entryOf>) =>
  leafHash(crypto, crypto.sha256(Buffer.concat([salt, envelope])));

/** `size root`, which stands for a signed note here. */
function noteOf(texts: readonly string[]): string {
  const tree = new AppendTree(crypto);
  for (const text of texts) tree.append(leafOf(entryOf(text)));
  return `${tree.size} ${hex(tree.root())}`;
}

function held(texts: readonly string[], notes: readonly string[]): Promise<string[]> {
  const entries = texts.map(entryOf);
  const leaves = entries.map(leafOf);
  const read = (level: number, index: number) =>
    treeRoot(crypto, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
  return contradictions({
    name: 'log',
    entries,
    notes,
    open(note) {
      const [size, root = ''] = note.split(' ');
      return { origin: 'log', size: Number(size), root: fromHex(root), extensions: [] };
    },
    proof: (oldSize, newSize) => consistencyProof(crypto, read, oldSize, newSize),
  });
}

describe('a log held against the checkpoints that it showed', () => {
  test('contradicts one of entries that are no longer there', async () => {
    expect(await held(['a'], [noteOf(['a', 'b'])])).toEqual([
      'log: a checkpoint of size 2 was shown, the log has 1',
    ]);
  });

  test('contradicts one of other entries', async () => {
    const problems = await held(['a', 'c', 'd'], [noteOf(['a', 'b'])]);
    expect(problems).toContain('log: its first 2 entries are not what it showed');
  });

  test('contradicts itself where it showed two roots of one size', async () => {
    const problems = await held(['a', 'b'], [noteOf(['a', 'b']), noteOf(['a', 'x'])]);
    expect(problems).toContain('log: showed two roots of size 2');
  });

  test('continues every one of its own', async () => {
    const texts = ['a', 'b', 'c', 'd', 'e'];
    const notes = texts.map((_, index) => noteOf(texts.slice(0, index)));
    expect(await held(texts, notes)).toEqual([]);
  });
});
