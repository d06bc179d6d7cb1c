import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CRASH_CHANGES, CRASH_ID, crashRun, writeCrashTree } from '../apply/crash-scenario.fixture.ts';
import type { CommitSigner } from '../apply/ports.ts';
import type { FileChange } from '../change.ts';
import { openTree, type Tree } from '../tree/open-tree.ts';
import { change, crypto, LAND, picture, type TemporaryPlace, temporaryPlace } from '../tree/tree.fixture.ts';
import { commitAll, gitHere } from './git.fixture.ts';

let place: TemporaryPlace;
let tree: Tree;
let first: string;
const git = (...args: readonly string[]) => gitHere(place.root, ...args);

beforeEach(async () => {
  place = temporaryPlace();
  writeCrashTree(place.root);
  git('init', '-q', '-b', 'main');
  first = commitAll(place.root);
  tree = await openTree(place.root, { crypto, now: Date.now });
});
afterEach(() => {
  tree.close();
  place.remove();
});

async function land(changes: readonly FileChange[], sign = false, by: Tree = tree) {
  const { digest } = await by.state();
  const commit = { message: 'Make it better\n\nbecause\n\nChange-Manifest: abc\nPolicy-Version: 3\n', sign };
  return by.land({ ...LAND, id: 'change-1', changes, expectedBase: digest, commit });
}

const ONE = [change('src/a.ts', 'a\n', 'A\n')];

describe('a change that lands as a commit', () => {
  it('is one commit on the branch, with a clean index and work tree after it', async () => {
    const { commit } = await land(CRASH_CHANGES);
    expect(git('rev-parse', 'main')).toBe(commit);
    expect(git('rev-parse', 'main^')).toBe(first);
    expect(git('status', '--porcelain')).toBe('');
    expect(git('diff', '--name-status', '--no-renames', first, 'main').split('\n').sort()).toEqual([
      'A\tname/below',
      'A\tsrc/deep/er/c.ts',
      'D\tname',
      'D\told/only.md',
      'M\trun.sh',
      'M\tsrc/a.ts',
    ]);
    expect(git('ls-tree', 'main', 'run.sh')).toMatch(/^100755 /);
    expect(git('log', '-1', '--format=%an|%s|%(trailers:key=Policy-Version,valueonly)')).toBe(
      'SAFE-AI Governor|Make it better|3',
    );
    expect(git('fsck', '--strict')).toBe('');
  });

  it('leaves alone what a person has changed elsewhere, staged or not', async () => {
    writeFileSync(join(place.root, 'src/b.ts'), 'staged\n');
    git('add', 'src/b.ts');
    writeFileSync(join(place.root, 'untracked.txt'), 'u\n');
    await land(ONE);
    expect(git('show', 'main:src/b.ts')).toBe('b');
    expect(git('status', '--porcelain')).toBe('M  src/b.ts\n?? untracked.txt');
  });

  it('may be the first commit of its branch', async () => {
    const empty = temporaryPlace();
    gitHere(empty.root, 'init', '-q', '-b', 'start');
    const other = await openTree(empty.root, { crypto, now: Date.now });
    const { commit } = await land([change('a.txt', null, 'a\n')], false, other);
    expect(gitHere(empty.root, 'rev-parse', 'start')).toBe(commit);
    expect(gitHere(empty.root, 'status', '--porcelain')).toBe('');
    other.close();
    empty.remove();
  });

  it('lands in a linked work tree, on its branch', async () => {
    git('worktree', 'add', '-q', '-b', 'side', place.beside('side'));
    const side = await openTree(place.beside('side'), { crypto, now: Date.now });
    const { commit } = await land(ONE, false, side);
    expect(git('rev-parse', 'side')).toBe(commit);
    expect(git('rev-parse', 'main')).toBe(first);
    side.close();
  });

  it('is signed so that git itself can verify it', async () => {
    const key = place.beside('key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const signer: CommitSigner = {
      sign: async (payload) =>
        execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'git', '-f', key], {
          input: payload,
          stdio: ['pipe', 'pipe', 'ignore'],
        }).toString(),
    };
    const signing = await openTree(place.root, { crypto, now: Date.now, commitSigner: signer });
    await land(ONE, true, signing);
    signing.close();
    writeFileSync(place.beside('allowed'), `governor@safeai.invalid ${readFileSync(`${key}.pub`, 'utf8')}`);
    const verify = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${place.beside('allowed')}`];
    expect(() => git(...verify, 'verify-commit', 'main')).not.toThrow();
    expect(() => git(...verify, 'verify-commit', first)).toThrow();
  });
});

describe('a repository in which a commit would say something else than the change', () => {
  async function refused(changes = ONE, sign = false) {
    const before = picture(place.root);
    const head = git('rev-parse', 'HEAD');
    await expect(land(changes, sign)).rejects.toMatchObject({ code: 'GIT_FAILED' });
    expect(picture(place.root)).toEqual(before);
    expect(git('rev-parse', 'HEAD')).toBe(head);
    expect(await tree.recover()).toEqual([]);
  }

  it('with a detached HEAD is refused', async () => {
    git('checkout', '-q', '--detach');
    await refused();
  });

  it('with uncommitted changes of the very files is refused, staged or not', async () => {
    writeFileSync(join(place.root, 'src/a.ts'), 'mine\n');
    await refused([change('src/a.ts', 'mine\n', 'A\n')]);
    git('add', 'src/a.ts');
    await refused([change('src/a.ts', 'mine\n', 'A\n')]);
    writeFileSync(join(place.root, 'src/a.ts'), 'a\n');
    await refused();
  });

  it('with a repository of its own around the file is refused, as is no repository at all', async () => {
    mkdirSync(join(place.root, 'inner'));
    writeFileSync(join(place.root, 'inner/x.txt'), 'x\n');
    gitHere(join(place.root, 'inner'), 'init', '-q');
    await refused([change('inner/x.txt', 'x\n', 'y\n')]);
    const bare = temporaryPlace();
    const other = await openTree(bare.root, { crypto, now: Date.now });
    await expect(land([change('a', null, 'a')], false, other)).rejects.toMatchObject({ code: 'GIT_FAILED' });
    symlinkSync(join(place.root, '.git'), join(bare.root, '.git'));
    await expect(land([change('a', null, 'a')], false, other)).rejects.toMatchObject({ code: 'GIT_FAILED' });
    other.close();
    bare.remove();
  });

  it('without the key that its commits are to be signed with is refused', async () => {
    await refused(ONE, true);
  });

  it('runs nothing that it names: hooks, filters, monitors, signers, remotes', async () => {
    const trace = place.beside('trace');
    const script = place.beside('hostile.sh');
    writeFileSync(script, `#!/bin/sh\necho "$0 $*" >> ${trace}\ncat\n`, { mode: 0o755 });
    mkdirSync(join(place.root, '.git/hooks'), { recursive: true });
    for (const hook of [
      'reference-transaction',
      'post-index-change',
      'pre-commit',
      'post-commit',
      'post-checkout',
    ])
      writeFileSync(join(place.root, '.git/hooks', hook), readFileSync(script), { mode: 0o755 });
    appendFileSync(
      join(place.root, '.git/config'),
      `[core]\n\tfsmonitor = ${script}\n\thooksPath = .git/hooks\n\tpager = ${script}\n\teditor = ${script}\n\tsshCommand = ${script}\n\tattributesFile = ${place.beside('attributes')}\n` +
        `[filter "evil"]\n\tclean = ${script}\n\tsmudge = ${script}\n\tprocess = ${script}\n\trequired = true\n` +
        `[gpg]\n\tprogram = ${script}\n\tformat = ssh\n[gpg "ssh"]\n\tprogram = ${script}\n\tdefaultKeyCommand = ${script}\n[commit]\n\tgpgSign = true\n[diff]\n\texternal = ${script}\n[alias]\n\tread-tree = !${script}\n`,
    );
    writeFileSync(join(place.root, '.gitattributes'), '* filter=evil diff=evil merge=evil\n');
    writeFileSync(join(place.root, '.git/info/attributes'), '* filter=evil\n');
    await land(ONE);
    expect(existsSync(trace) ? readFileSync(trace, 'utf8') : '').toBe('');
    expect(readFileSync(join(place.root, 'src/a.ts'), 'utf8')).toBe('A\n');
  });
});

describe('a governor that is killed while it commits', () => {
  it('has landed both or neither, as the ref says', async () => {
    const names: string[] = [];
    await crashRun(place.root, { what: 'land', commit: true }, (name) => names.push(name));
    expect(await tree.recover()).toMatchObject([{ outcome: 'landed', commit: git('rev-parse', 'main') }]);
    const after = picture(place.root);
    for (const cut of [
      'git prepare',
      'create committing',
      'git update-ref',
      'after git update-ref',
      'git update-index',
    ]) {
      const other = temporaryPlace();
      writeCrashTree(other.root);
      gitHere(other.root, 'init', '-q', '-b', 'main');
      const start = commitAll(other.root);
      const before = picture(other.root);
      let gone = false;
      await crashRun(other.root, { what: 'land', commit: true }, (name) => {
        gone ||= name === cut;
        if (gone) throw new Error('cut off');
      }).catch(() => {});
      const again = await openTree(other.root, { crypto, now: Date.now });
      const [recovered] = await again.recover();
      const head = gitHere(other.root, 'rev-parse', 'main');
      const landed = head !== start;
      // From the moment on in which git may have been started, recovery moves the ref itself.
      expect(landed, cut).toBe(cut !== 'git prepare' && cut !== 'create committing');
      expect(picture(other.root), cut).toEqual(landed ? after : before);
      expect(gitHere(other.root, 'status', '--porcelain'), cut).toBe('');
      if (cut !== 'git prepare')
        expect(recovered).toMatchObject({
          id: CRASH_ID,
          outcome: landed ? 'landed' : 'undone',
          commit: landed ? head : null,
        });
      again.close();
      other.remove();
    }
  });

  it('lands the files with the ref, also where a git that it started outlives it by far', async () => {
    let gone = false;
    await crashRun(place.root, { what: 'land', commit: true }, (name) => {
      gone ||= name === 'git update-ref';
      if (gone) throw new Error('cut off');
    }).catch(() => {});
    const plan = JSON.parse(readFileSync(join(place.root, '.safeai/journal', CRASH_ID, 'plan.json'), 'utf8'));
    const { id, previous, ref } = plan.change.commit;
    const [recovered] = await tree.recover();
    const late = spawnSync('git', ['-C', place.root, 'update-ref', ref, id, previous]);
    expect(recovered).toMatchObject({ outcome: 'landed', commit: id });
    expect(late.status).not.toBe(0);
    expect(git('rev-parse', 'main')).toBe(id);
    expect(git('status', '--porcelain')).toBe('');
  });

  it('undoes the files where somebody else has moved the branch on meanwhile', async () => {
    const before = picture(place.root);
    let gone = false;
    await crashRun(place.root, { what: 'land', commit: true }, (name) => {
      gone ||= name === 'git update-ref';
      if (gone) throw new Error('cut off');
    }).catch(() => {});
    git('commit', '-q', '--allow-empty', '-m', 'meanwhile');
    const moved = git('rev-parse', 'main');
    expect(await tree.recover()).toMatchObject([{ outcome: 'undone', commit: null }]);
    expect(picture(place.root)).toEqual(before);
    expect(git('rev-parse', 'main')).toBe(moved);
  });
});
