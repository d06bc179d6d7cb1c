import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileChange } from '../change.ts';
import { GovernorError } from '../errors.ts';
import type { LandRequest } from '../service/ports.ts';
import type { Step } from '../tree/folder.ts';
import { openTree, type Tree } from '../tree/open-tree.ts';
import {
  change,
  crypto,
  LAND,
  picture,
  SOME_MANIFEST,
  type TemporaryPlace,
  temporaryPlace,
  writeFiles,
} from '../tree/tree.fixture.ts';

let place: TemporaryPlace;
let tree: Tree;
let onStep: Step;
let before: ReturnType<typeof picture>;
beforeEach(async () => {
  place = temporaryPlace();
  onStep = () => {};
  writeFiles(place.root, { 'src/a.ts': 'a\n', 'src/b.ts': 'b\n', 'docs/only.md': 'x\n', 'run.sh': 'echo\n' });
  before = picture(place.root);
  tree = await openTree(place.root, { crypto, now: Date.now, onStep: (name) => onStep(name) });
});
afterEach(() => {
  tree.close();
  place.remove();
});

const at = (path: string) => join(place.root, path);
const journal = () => readdirSync(at('.safeai/journal'));
const CHANGES = [
  change('src/a.ts', 'a\n', 'A\n'),
  change('src/new/c.ts', null, 'c\n'),
  change('docs/only.md', 'x\n', null),
  change('run.sh', 'echo\n', 'echo\n', '100755'),
];

async function land(changes: readonly FileChange[] = CHANGES, more: Partial<LandRequest> = {}) {
  const { digest } = await tree.state();
  return tree.land({ ...LAND, id: 'one', changes, expectedBase: digest, ...more });
}

async function refused(code: string, work: Promise<unknown>, message = /./): Promise<void> {
  await expect(work).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(journal()).toEqual([]);
}

describe('a change that is refused', () => {
  it('for another tree than it was made for, which names the files that are others', async () => {
    writeFileSync(at('src/a.ts'), 'other\n');
    const now = picture(place.root);
    await refused(
      'STALE_BASE',
      land(CHANGES, { expectedBase: SOME_MANIFEST }),
      /other files at `src\/a\.ts`\)/,
    );
    await refused('STALE_BASE', land(), /`src\/a\.ts` is not the file any more/);
    expect(picture(place.root)).toEqual(now);
  });

  it('as its tests ran on another tree than it would give', async () => {
    await refused('STALE_BASE', land(CHANGES, { expectedAfter: SOME_MANIFEST }), /tests ran on/);
    expect(picture(place.root)).toEqual(before);
  });

  it('as the lock was lost before the first file was touched', async () => {
    const lost = new GovernorError('TREE_BUSY', 'lost');
    await refused('TREE_BUSY', land(CHANGES, { held: () => Promise.reject(lost) }));
    expect(picture(place.root)).toEqual(before);
  });

  it.each([
    ['a link as its target', () => symlinkSync('/etc/passwd', at('link')), [change('link', null, 'x')]],
    ['a link on its way', () => symlinkSync('/tmp', at('way')), [change('way/x', null, 'x')]],
    [
      'a folder that stays where the file is to be',
      () => mkdirSync(at('src/empty')),
      [change('src/empty', null, 'x')],
    ],
    ['a path of git', () => {}, [change('.git/config', null, 'x')]],
    ['a path of the governor', () => {}, [change('.safeai/objects/x', null, 'x')]],
    ['a way out', () => {}, [change('src/../../x', null, 'x')]],
  ])('with %s', async (_what, prepare, changes) => {
    prepare();
    before = picture(place.root);
    await expect(land(changes)).rejects.toMatchObject({
      code: expect.stringMatching(/^(TREE_UNSAFE|STALE_BASE)$/),
    });
    expect(picture(place.root)).toEqual(before);
    expect(journal()).toEqual([]);
  });

  it.each([
    ['a link', () => symlinkSync('/tmp', at('.safeai'))],
    ['open to others', () => mkdirSync(at('.safeai'), { mode: 0o777 })],
  ])('where what is to be the governor’s own folder is %s', async (_what, plant) => {
    plant();
    if (statSync(at('.safeai')).mode & 0o1000) rmSync(at('.safeai'));
    else chmodSync(at('.safeai'), 0o777);
    if (_what === 'a link') symlinkSync('/tmp', at('.safeai'));
    await expect(land()).rejects.toMatchObject({ code: 'TREE_UNSAFE' });
    await expect(tree.recover()).rejects.toMatchObject({ code: 'TREE_UNSAFE' });
    expect(picture(place.root)).toEqual(before);
  });
});

describe('a change that is cut off by what somebody else does', () => {
  /** Right before the first step of that name. */
  function meanwhile(name: string | RegExp, work: () => void): void {
    let done = false;
    onStep = (step) => {
      if (done || !(typeof name === 'string' ? step === name : name.test(step))) return;
      done = true;
      work();
    };
  }

  it.each([
    ['a file that is next', () => writeFileSync(at('run.sh'), 'theirs\n')],
    ['a file that is no part of it', () => writeFileSync(at('src/b.ts'), 'theirs\n')],
    ['a new file', () => writeFileSync(at('theirs.txt'), 'theirs\n')],
    ['the name that a new file was to have', () => writeFileSync(at('src/new/c.ts'), 'theirs\n')],
  ])('is undone for %s, and what they did stays', async (_what, theirs) => {
    meanwhile(/^rename new-0/, theirs);
    if (_what.startsWith('the name')) meanwhile(/^link new-1/, theirs);
    await refused('STALE_BASE', land());
    onStep = () => {};
    const now = picture(place.root);
    expect(Object.values(now).filter((text) => text.endsWith('theirs\n')).length).toBe(1);
    expect(now['src/a.ts']).toBe('644 a\n');
    expect(now['docs/only.md']).toBe('644 x\n');
  });

  it('is undone for a disk that is full, at any step', async () => {
    const names: string[] = [];
    const other = await openTree(place.root, { crypto, now: Date.now, onStep: (name) => names.push(name) });
    await other.land({ ...LAND, id: 'x', changes: [], expectedBase: (await other.state()).digest });
    await other.confirm('x');
    other.close();
    for (let n = 1; ; n++) {
      let steps = 0;
      onStep = () => {
        if (++steps === n) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      };
      const failed = await land(CHANGES, { id: `n-${n}` }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failed === undefined) break;
      expect(failed, `step ${n}`).toMatchObject({ code: 'ENOSPC' });
      expect(picture(place.root), `step ${n}`).toEqual(before);
      onStep = () => {};
      expect(await tree.recover()).toEqual([]);
    }
  });

  it('touches nothing that is neither what it was nor what it was to be, and says so until that is mended', async () => {
    let gone = false;
    onStep = (step) => {
      gone ||= step.startsWith('fsync folder src');
      if (gone) throw new Error('gone');
    };
    await expect(land()).rejects.toMatchObject({ code: 'TREE_DAMAGED' });
    onStep = () => {};
    writeFileSync(at('src/a.ts'), 'theirs\n');
    const now = picture(place.root);
    await expect(tree.recover()).rejects.toMatchObject({
      code: 'TREE_DAMAGED',
      message: /`src\/a\.ts` is neither/,
    });
    await expect(land([], { id: 'two' })).rejects.toMatchObject({ code: 'TREE_DAMAGED' });
    expect(picture(place.root)).toEqual(now);
    writeFileSync(at('src/a.ts'), 'A\n');
    expect(await tree.recover()).toMatchObject([{ id: 'one', outcome: 'undone', commit: null }]);
    expect(picture(place.root)).toEqual(before);
  });

  it('is not undone by a journal that was altered', async () => {
    await land();
    unlinkSync(at('.safeai/journal/one/landed'));
    const plan = at('.safeai/journal/one/plan.json');
    for (const forged of ['', '{}', '{"change":{},"digest":"00"}']) {
      writeFileSync(plan, forged);
      await expect(tree.recover()).rejects.toMatchObject({ code: 'TREE_DAMAGED', message: /was altered/ });
    }
    renameSync(at('.safeai/journal/one'), at('.safeai/one'));
    expect(await tree.recover()).toEqual([]);
  });
});

describe('a change that lands', () => {
  it('gives the tree that its private copy was, and stays known until it is confirmed', async () => {
    const copy = await tree.copyInto(place.beside('copy'), CHANGES);
    const { digest } = await tree.state();
    const landed = await land(CHANGES, { expectedAfter: copy.digest, reverts: SOME_MANIFEST });
    expect(landed).toMatchObject({ tree: { before: digest, after: copy.digest }, commit: null });
    expect(landed.files.map(({ path, before: was, after }) => [path, was?.mode, after?.mode])).toEqual([
      ['src/a.ts', '100644', '100644'],
      ['src/new/c.ts', undefined, '100644'],
      ['docs/only.md', '100644', undefined],
      ['run.sh', '100644', '100755'],
    ]);
    expect((await tree.state()).digest).toBe(copy.digest);
    expect(picture(place.root)).toEqual({
      'run.sh': '755 echo\n',
      'src/': '755',
      'src/a.ts': '644 A\n',
      'src/b.ts': '644 b\n',
      'src/new/': '755',
      'src/new/c.ts': '644 c\n',
    });
    const recovered = {
      id: 'one',
      reverts: SOME_MANIFEST,
      outcome: 'landed',
      tree: landed.tree,
      files: landed.files,
    };
    expect(await tree.recover()).toMatchObject([recovered]);
    await tree.confirm('one');
    await tree.confirm('one');
    expect(await tree.recover()).toEqual([]);
  });

  it('keeps what a file’s owner had allowed, and other names of the file as they were', async () => {
    chmodSync(at('src/a.ts'), 0o640);
    chmodSync(at('run.sh'), 0o664);
    linkSync(at('src/a.ts'), place.beside('same-file'));
    await land();
    expect(statSync(at('src/a.ts')).mode & 0o777).toBe(0o640);
    expect(statSync(at('run.sh')).mode & 0o777).toBe(0o775);
    expect(statSync(place.beside('same-file')).size).toBe(2);
  });

  it('leaves folders that have something in them that is no part of the tree', async () => {
    mkdirSync(at('docs/.git'));
    await land();
    expect(statSync(at('docs/.git')).isDirectory()).toBe(true);
  });

  it.skipIf(process.getuid?.() !== 0)('keeps a file’s owner (as root only)', async () => {
    const { chownSync } = await import('node:fs');
    chownSync(at('src/a.ts'), 1234, 4321);
    await land();
    expect(statSync(at('src/a.ts'))).toMatchObject({ uid: 1234, gid: 4321 });
  });
});
