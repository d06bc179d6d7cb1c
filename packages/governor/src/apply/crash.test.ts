import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTree } from '../tree/open-tree.ts';
import { crypto, picture, type TemporaryPlace, temporaryPlace } from '../tree/tree.fixture.ts';
import {
  CRASH_CHANGES,
  CRASH_ID,
  type CrashRun,
  crashRun,
  writeCrashTree,
} from './crash-scenario.fixture.ts';

let place: TemporaryPlace;
let program: string;
beforeAll(async () => {
  place = temporaryPlace();
  writeCrashTree(place.root);
  program = place.beside('program.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('crash-program.fixture.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
});
afterAll(() => place.remove());

interface Ending {
  readonly killed: boolean;
  readonly steps: number;
}

async function run(root: string, what: CrashRun['what'], last: number): Promise<Ending> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, root, what, String(last)]);
    return { killed: false, steps: Number(stdout) };
  } catch (error) {
    if ((error as { signal?: string }).signal === 'SIGKILL') return { killed: true, steps: last };
    throw error;
  }
}

let copies = 0;
function copyOf(root: string): string {
  const copy = place.beside(`copy-${++copies}`);
  cpSync(root, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** As every process does first: makes the tree whole, and says how the change ended; undefined where it never began. */
async function settled(root: string): Promise<'landed' | 'undone' | undefined> {
  const tree = await openTree(root, { crypto, now: Date.now });
  try {
    const found = await tree.recover();
    expect(await tree.recover()).toEqual(found);
    for (const { id } of found) await tree.confirm(id);
    expect(await tree.recover()).toEqual([]);
    const [only] = found;
    expect(found.length).toBeLessThanOrEqual(1);
    if (only !== undefined)
      expect(only).toMatchObject({ id: CRASH_ID, files: CRASH_CHANGES.map(({ path }) => ({ path })) });
    return only?.outcome;
  } finally {
    tree.close();
  }
}

/** Calls for every number below, some at a time. */
async function forEach(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 1;
  const worker = async () => {
    while (next <= count) await work(next++);
  };
  await Promise.all([worker(), worker(), worker()]);
}

describe('a governor that is killed while it applies a change', () => {
  it('leaves all of it or nothing after kill -9 before any step', { timeout: 120_000 }, async () => {
    const before = picture(place.root);
    const whole = copyOf(place.root);
    const { steps } = await run(whole, 'land', 0);
    const after = picture(whole);
    expect(steps).toBeGreaterThan(30);
    const outcomes = { landed: 0, undone: 0, 'not begun': 0 };
    await forEach(steps, async (n) => {
      const root = copyOf(place.root);
      expect(await run(root, 'land', n)).toMatchObject({ killed: true });
      const outcome = await settled(root);
      expect(picture(root), `killed before step ${n}`).toEqual(outcome === 'landed' ? after : before);
      outcomes[outcome ?? 'not begun']++;
    });
    expect(Object.values(outcomes).every((count) => count > 0)).toBe(true);
  });

  it('is made whole also where recovering from that is cut off at any step', {
    timeout: 120_000,
  }, async () => {
    const before = picture(place.root);
    const { steps } = await countSteps(copyOf(place.root));
    for (const cut of [Math.floor(steps * 0.6), Math.floor(steps * 0.75), steps - 1]) {
      const damaged = copyOf(place.root);
      await cutOff(damaged, 'land', cut);
      for (let n = 1; ; n++) {
        const root = copyOf(damaged);
        const whole = await cutOff(root, 'recover', n);
        if (!whole) await settled(root);
        expect(picture(root), `cut off before steps ${cut} and ${n}`).toEqual(before);
        if (whole) break;
      }
    }
  });
});

async function countSteps(root: string): Promise<{ readonly steps: number }> {
  let steps = 0;
  await crashRun(root, { what: 'land', commit: false }, () => steps++);
  return { steps };
}

/** Nothing more reaches the disk from step n on, as if the process were gone. True where it came to its end before. */
async function cutOff(root: string, what: CrashRun['what'], n: number): Promise<boolean> {
  let steps = 0;
  const whole = crashRun(root, { what, commit: false }, () => {
    if (++steps >= n) throw new Error('cut off');
  });
  return whole.then(
    () => true,
    () => false,
  );
}
