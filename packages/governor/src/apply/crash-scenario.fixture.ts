import { randomUUID } from 'node:crypto';
import { openTree } from '../tree/open-tree.ts';
import { change, crypto, LAND, writeFiles } from '../tree/tree.fixture.ts';

export const CRASH_ID = '00000000-0000-4000-8000-000000000001';

/** Every kind of change at once: folders come, go, and take the place of files. */
export const CRASH_CHANGES = [
  change('src/a.ts', 'a\n', 'A, and more\n'),
  change('src/deep/er/c.ts', null, 'c\n'),
  change('old/only.md', 'x\n', null),
  change('run.sh', 'echo\n', 'echo\n', '100755'),
  change('name', 'a file\n', null),
  change('name/below', null, 'now a folder\n'),
];

export function writeCrashTree(root: string): void {
  writeFiles(root, {
    'src/a.ts': 'a\n',
    'src/b.ts': 'b\n',
    'old/only.md': 'x\n',
    'run.sh': 'echo\n',
    name: 'a file\n',
  });
}

export interface CrashRun {
  readonly what: 'land' | 'recover';
  readonly commit: boolean;
}

/** One process's life: it opens the tree, makes it whole, and lands the changes or leaves it at that. */
export async function crashRun(root: string, run: CrashRun, onStep: (name: string) => void): Promise<void> {
  const tree = await openTree(root, { crypto, now: Date.now, onStep });
  try {
    const pending = await tree.recover();
    if (run.what === 'recover') {
      for (const { id } of pending) await tree.confirm(id);
      return;
    }
    const { digest } = await tree.state();
    await tree.land({
      ...LAND,
      id: CRASH_ID,
      changes: CRASH_CHANGES,
      expectedBase: digest,
      ...(run.commit ? { commit: { message: `a change ${randomUUID()}`, sign: false } } : {}),
    });
  } finally {
    tree.close();
  }
}
