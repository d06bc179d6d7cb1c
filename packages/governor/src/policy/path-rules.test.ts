import { normalize } from 'node:path/posix';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LoadedPolicy } from './load-policy.ts';
import { pathFormProblem } from './path-form.ts';
import { blocking, loadPolicy, OPEN_POLICY, planInput, type Written } from './policy.fixture.ts';

let open: LoadedPolicy;
beforeAll(async () => {
  open = await loadPolicy(OPEN_POLICY);
});

async function blockedBy(files: Record<string, string | Written>, tree: readonly string[] = []) {
  const plan = await open.evaluate(planInput(files, { tree }), 1);
  return blocking(plan);
}

const isShown = (character: string): boolean =>
  character >= ' ' && !/[\u0085\u200b\u202e\ufeff]/.test(character);

describe('a path that leaves the tree or means another place elsewhere', () => {
  it.each([
    'src/../../../etc/passwd',
    'src/../.git/config',
    '../outside',
    '/etc/passwd',
    './src/a.ts',
    'src//a.ts',
    'src/./a.ts',
    'src/',
    'C:/windows/a',
    'a.txt:stream',
    'src\\a.ts',
    'src/a\u0000.ts',
    'src/a\nb.ts',
    'src/a\u0085b',
    'src/a\u202egnp.ts',
    'src/a\u200bb.ts',
    'src/\ufeffa.ts',
    'src/a.ts.',
    'src/a.ts ',
    'src/.../a',
    'NUL',
    'src/con.txt',
    'src/COM1',
    'src/lpt9.log',
    'src/\ud800.ts',
    '',
  ])('is refused by its form: %j', async (path) => {
    const plan = await open.evaluate(planInput({ [path]: 'x\n' }), 1);
    expect(blocking(plan)).toContain('path_form');
    expect(plan.blocked_paths).toContain(path);
    expect(plan.reasons.every((reason) => [...reason].every(isShown))).toBe(true);
  });

  it('is refused beyond what file systems take, in bytes', async () => {
    for (const path of [`src/${'a'.repeat(256)}`, `src/${'é'.repeat(128)}`, `${'a/'.repeat(2100)}b`]) {
      expect(await blockedBy({ [path]: 'x\n' })).toEqual(['path_form']);
    }
  });

  it('is told from one with a percent sign, which nothing decodes', async () => {
    expect(
      await blockedBy({ 'src/%2e%2e/a.ts': 'x\n', 'src/100%.md': 'x\n', 'src/größe 1.ts': 'x\n' }),
    ).toEqual([]);
  });

  it('is never accepted: what is accepted is its own normal form and below the root', () => {
    const part = fc.oneof(
      fc.constantFrom('.', '..', '', 'a', '.git', 'src', 'NUL', ' ', 'a.', 'C:', '\\', '\u0000', '%2e'),
      fc.string({ maxLength: 6, unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const path = parts.join('/');
        if (pathFormProblem(path) !== undefined) return;
        expect(normalize(path)).toBe(path);
        expect(normalize(`/root/${path}`).startsWith('/root/')).toBe(true);
        expect(path.split('/')).not.toContain('..');
      }),
      { numRuns: 200 },
    );
  });
});

describe('what belongs to git and to the governor', () => {
  it.each([
    '.git/config',
    '.GIT/config',
    'sub/.git/hooks/pre-commit',
    '.git /config',
    '.git./config',
    '.g\u200cit/config',
    '.ｇit/config',
    'git~1/config',
    'GIT~2/config',
    '.git::$INDEX_ALLOCATION/config',
    '.git',
  ])('is not touched as git folder: %j', async (path) => {
    expect(await blockedBy({ [path]: 'x\n' })).toContain('git_folder');
  });

  it.each(['.safeai/journal', '.SafeAI/x', 'sub/.safeai', 'SAFEAI~1/x'])(
    'is not touched as journal: %j',
    async (path) => {
      expect(await blockedBy({ [path]: 'x\n' })).toContain('governor_folder');
    },
  );

  it.each(['.gitmodules', '.GitModules', 'gitmod~1'])('declares no submodule: %j', async (path) => {
    expect(await blockedBy({ [path]: 'x\n' })).toContain('submodules');
  });

  it.each(['.githooks/pre-commit', '.husky/pre-push', 'tools/hooks/post-checkout', '.Husky/_/h'])(
    'is no script that git starts: %j',
    async (path) => {
      expect(await blockedBy({ [path]: 'x\n' })).toContain('git_hooks');
    },
  );

  it('leaves names alone that only look like it', async () => {
    const files = {
      '.github/a.yml': 'x\n',
      '.gitignore': 'x\n',
      'git/a': 'x\n',
      'src/hooks/useState.ts': 'x\n',
      'safeai.md': 'x\n',
    };
    expect(await blockedBy(files)).toEqual([]);
  });

  it('takes attributes, but none that names a program', async () => {
    expect(await blockedBy({ '.gitattributes': '*.png binary\n* text=auto\n' })).toEqual([]);
    for (const line of ['*.c filter=evil', '* diff = x', '[attr]x merge=union', '*.c FILTER=x']) {
      expect(await blockedBy({ 'sub/.gitattributes': `${line}\n` }), line).toEqual(['git_attributes']);
    }
    const kept = { before: '*.psd filter=lfs\n', after: '*.psd filter=lfs\n*.md text\n' };
    expect(await blockedBy({ '.gitattributes': kept })).toEqual([]);
  });
});

describe('links and names that collide', () => {
  it('refuses a target that is there and is no file, and what lies behind one', async () => {
    expect(await blockedBy({ 'src/link': 'x\n' }, ['src/link'])).toContain('links');
    const behind = await open.evaluate(
      planInput({ 'src/link/etc/passwd': 'x\n' }, { tree: ['src/link'] }),
      1,
    );
    expect(behind.reasons.join('\n')).toContain('goes through `src/link`, which is a file or a link');
    expect(await blockedBy({ 'src/link/a': { before: 'x', after: null } }, ['src/link'])).toContain('links');
  });

  it.each([
    [['README.md'], 'readme.md'],
    [['Src/a.ts'], 'src/b.ts'],
    [['src/é.ts'], 'src/e\u0301.ts'],
    [['src/straße.ts'], 'src/STRASSE.ts'],
    [['src/ﬁle.ts'], 'src/file.ts'],
    [['src/a/b.ts'], 'src/a'],
    [[], 'src/e\u0301.ts'],
  ])('refuses beside %j the new name %j', async (tree, path) => {
    expect(await blockedBy({ [path]: 'x\n' }, tree as string[])).toContain('collisions');
  });

  it('refuses two new names that are one elsewhere, and one that is file and folder', async () => {
    expect(await blockedBy({ 'src/A.ts': 'x\n', 'src/a.ts': 'x\n' })).toContain('collisions');
    expect(await blockedBy({ 'src/a': 'x\n', 'src/a/b': 'x\n' })).toContain('collisions');
    expect(await blockedBy({ 'src/a/b': 'x\n', 'src/a': 'x\n' })).toContain('collisions');
  });

  it('lets a file be changed whose name collided before', async () => {
    expect(await blockedBy({ 'readme.md': { before: 'a\n', after: 'b\n' } }, ['README.md'])).toEqual([]);
  });
});

describe('targets', () => {
  it('are exactly what changes', async () => {
    for (const targets of [
      ['src/a.ts'],
      ['src/a.ts', 'src/b.ts', 'src/c.ts'],
      ['src/b.ts', 'src/a.ts', 'src/a.ts'],
      [],
    ]) {
      const input = planInput({ 'src/a.ts': 'x\n', 'src/b.ts': 'x\n' }, { targets });
      expect(blocking(await open.evaluate(input, 1)), targets.join()).toContain('targets');
    }
  });

  it('count an edit of a path that nothing was made of', async () => {
    const input = planInput({ 'src/a.ts': 'x\n' });
    const edit = { path: '../../etc/passwd', op: 'insert', start: 0, end: 0, text: 'x' } as const;
    const plan = await open.evaluate({ ...input, manifest: { ...input.manifest, edits: [edit] } }, 1);
    expect(blocking(plan)).toEqual(expect.arrayContaining(['targets', 'path_form']));
  });
});
