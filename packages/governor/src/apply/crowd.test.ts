import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GovernorError } from '../errors.ts';
import { fileTreeLock } from '../tree/file-tree-lock.ts';
import { openTree } from '../tree/open-tree.ts';
import {
  change,
  crypto,
  LAND,
  type TemporaryPlace,
  temporaryPlace,
  writeFiles,
} from '../tree/tree.fixture.ts';

const PROPOSALS = 200;

let place: TemporaryPlace;
beforeEach(() => {
  place = temporaryPlace();
});
afterEach(() => place.remove());

describe('two hundred proposals for one tree at once, through two governors', () => {
  it('each land whole or are refused for a stale base, and none is lost', async () => {
    writeFiles(place.root, { 'log.txt': '' });
    const governors = await Promise.all(
      [0, 1].map(async () => ({
        tree: await openTree(place.root, { crypto, now: Date.now }),
        lock: fileTreeLock(place.root, { patienceMs: 30_000 }),
      })),
    );
    let { digest: base } = (await governors[0]?.tree.state()) ?? { digest: LAND.manifest };
    let text = '';

    /** Every other one was made for what the tree was when all began; the rest for what it is when its turn comes. */
    const propose = async (n: number): Promise<'landed' | 'stale'> => {
      const { tree, lock } = governors[n % 2] as (typeof governors)[number];
      const made = { base, text };
      return lock.withLock(async (held) => {
        expect(await tree.recover()).toEqual([]);
        const { base: expectedBase, text: was } = n % 4 < 2 ? { base, text } : made;
        try {
          const line = `${was}${n}\n`;
          const changes = [change('log.txt', was, line), change(`each/${n}.txt`, null, `${n}`)];
          const { tree: digests } = await tree.land({ ...LAND, held, id: `p-${n}`, changes, expectedBase });
          await tree.confirm(`p-${n}`);
          [base, text] = [digests.after, line];
          return 'landed';
        } catch (error) {
          if (error instanceof GovernorError && error.code === 'STALE_BASE') return 'stale';
          throw error;
        }
      });
    };

    const outcomes = await Promise.all(Array.from({ length: PROPOSALS }, (_, n) => propose(n)));
    const landed = outcomes.flatMap((outcome, n) => (outcome === 'landed' ? [n] : []));
    expect(outcomes.length).toBe(PROPOSALS);
    expect(landed.length).toBeGreaterThanOrEqual(PROPOSALS / 2);
    expect(landed.length).toBeLessThan(PROPOSALS);
    const lines = readFileSync(join(place.root, 'log.txt'), 'utf8').trim().split('\n').map(Number);
    expect([...lines].sort((a, b) => a - b)).toEqual(landed);
    const files = readdirSync(join(place.root, 'each')).map((name) => Number(name.replace('.txt', '')));
    expect(files.sort((a, b) => a - b)).toEqual(landed);
    expect((await governors[1]?.tree.state())?.digest).toBe(base);
    for (const { tree } of governors) tree.close();
  });
});
