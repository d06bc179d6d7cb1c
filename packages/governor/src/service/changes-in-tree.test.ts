import { asDigest, type JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { GovernorError } from '../errors.ts';
import type { ChangeManifest } from '../manifest/manifest.ts';
import { parseManifest } from '../manifest/parse-manifest.ts';
import { crypto } from '../tree/tree.fixture.ts';
import { changesInTree } from './changes-in-tree.ts';
import type { GovernedTree } from './ports.ts';

/** A tree whose every path is of git's, or cannot be read at all. */
function treeThatFails(error: Error): GovernedTree {
  const read = () => Promise.reject(error);
  return { read } as unknown as GovernedTree;
}

function manifest(file: JsonValue): ChangeManifest {
  const whole = { targets: ['.git/config'], files: [file], rationale: 'x', version: '1.0.0' };
  return parseManifest(whole as unknown as JsonValue);
}

const UNSAFE = new GovernorError('TREE_UNSAFE', 'expected a path inside the tree');
const CREATED = manifest({ path: '.git/config', base: null, content: { text: 'x' } });

describe('what a change does to a path that is no place in the tree', () => {
  it('is a new file where it says that nothing is there, for the policy to name and block', async () => {
    const [change, ...more] = await changesInTree({ crypto, tree: treeThatFails(UNSAFE) }, CREATED);
    expect(change).toMatchObject({ path: '.git/config', before: null });
    expect(more).toEqual([]);
  });

  it('is refused as unsafe, and not as stale, where it rests on what is there', async () => {
    const base = asDigest('0'.repeat(64));
    const changed = manifest({ path: '.git/config', base, content: { text: 'x' } });
    await expect(changesInTree({ crypto, tree: treeThatFails(UNSAFE) }, changed)).rejects.toBe(UNSAFE);
  });

  it('is not guessed at where the tree cannot be read', async () => {
    const damaged = new GovernorError('TREE_DAMAGED', 'expected to read it');
    const parts = { crypto, tree: treeThatFails(damaged) };
    await expect(changesInTree(parts, CREATED)).rejects.toBe(damaged);
  });
});
