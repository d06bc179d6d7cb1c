import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GovernorError } from '../errors.ts';
import { openTree } from '../tree/open-tree.ts';
import {
  change,
  crypto,
  LAND,
  picture,
  type TemporaryPlace,
  temporaryPlace,
  writeFiles,
} from '../tree/tree.fixture.ts';

const RACE_MS = 1_000;

let place: TemporaryPlace;
beforeEach(() => {
  place = temporaryPlace();
});
afterEach(() => place.remove());

async function startSwapping(folder: string, elsewhere: string) {
  const program = place.beside('swapping.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('../tree/swapping-program.fixture.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
  });
  const child = spawn(process.execPath, [program, folder, elsewhere], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(child.stdout, 'data');
  return async () => {
    child.kill('SIGTERM');
    await once(child, 'close');
    return Number(output.trim().split('\n').at(-1));
  };
}

describe('a folder that somebody swaps for a link while changes are applied', () => {
  it(
    'never leads a change, its undoing, a read or a copy out of the tree',
    async () => {
      writeFiles(place.root, { 'dir/sub/a.txt': '0', 'dir/sub/b.txt': 'b', 'top.txt': 't' });
      const elsewhere = place.beside('elsewhere');
      mkdirSync(elsewhere);
      writeFiles(elsewhere, { 'sub/a.txt': '0', 'sub/b.txt': 'outside', 'own.txt': 'outside' });
      const untouched = picture(elsewhere);
      const stop = await startSwapping(`${place.root}/dir`, elsewhere);
      const tree = await openTree(place.root, { crypto, now: Date.now });
      const outcomes: Record<string, number> = { landed: 0 };
      const count = (what: string) => {
        outcomes[what] = (outcomes[what] ?? 0) + 1;
      };
      const end = Date.now() + RACE_MS;
      for (let n = 0; Date.now() < end; n++) {
        try {
          for (const { id, outcome } of await tree.recover()) {
            if (outcome === 'undone') count('undone later');
            await tree.confirm(id);
          }
          const { digest, files } = await tree.state();
          const now = await tree.read('dir/sub/a.txt');
          if (now === undefined || !files.has('dir/sub/a.txt')) continue;
          const text = Buffer.from(now.bytes).toString();
          const copy = place.beside(`copy-${n}`);
          await tree.copyInto(copy, []);
          const copied = picture(copy);
          rmSync(copy, { recursive: true });
          expect(Object.values(copied).filter((text) => text.includes('outside'))).toEqual([]);
          await tree.land({
            ...LAND,
            id: `change-${n}`,
            expectedBase: digest,
            changes: [
              change('dir/sub/a.txt', text, `${n}`),
              change(`dir/sub/new-${n}.txt`, null, 'n'),
              change(`dir/made-${n}/x.txt`, null, 'x'),
            ],
          });
          count('landed');
          await tree.confirm(`change-${n}`);
        } catch (error) {
          count(error instanceof GovernorError ? error.code : String(error));
        }
      }
      const swaps = await stop();
      tree.close();
      expect(picture(elsewhere), JSON.stringify(outcomes)).toEqual(untouched);
      expect(swaps).toBeGreaterThan(20);
      const { landed = 0, ...others } = outcomes;
      // It was caught at it as well as let through, and each time by name.
      expect(landed).toBeGreaterThan(0);
      expect(others.TREE_UNSAFE).toBeGreaterThan(0);
      const known = ['STALE_BASE', 'TREE_UNSAFE', 'TREE_DAMAGED', 'undone later'];
      expect(Object.keys(others).filter((what) => !known.includes(what))).toEqual([]);
    },
    RACE_MS + 10_000,
  );
});
