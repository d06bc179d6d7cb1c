import type { ChangePlan } from '../apply/change-plan.ts';
import { EMPTY_FOLDER } from '../apply/own-folder.ts';
import type { CommitPlace, CommitRequest, PlannedCommit } from '../apply/ports.ts';
import type { FileChange } from '../change.ts';
import { GovernorError } from '../errors.ts';
import { type Folder, inFolder, type Step } from '../tree/folder.ts';
import { foldersAbove, OWN_FOLDER, shownPath } from '../tree/tree-path.ts';
import { commitBytes, type ObjectFormat, objectIdOf } from './git-object.ts';
import { findGit, type Git, gitIn } from './git-program.ts';
import { type IndexEntry, indexLine, parseIndex } from './index-entries.ts';

interface RepositoryOptions {
  /** The tree, which has to be the repository's top. */
  readonly root: Folder;
  readonly path: string;
  readonly now: () => number;
  readonly program?: string;
  readonly onStep?: Step;
}

interface Head {
  readonly ref: string;
  /** null: the branch has no commit yet. */
  readonly commit: string | null;
  readonly format: ObjectFormat;
}

/** Lands changes as commits on the branch that HEAD names, with nothing but plumbing. */
export function openGitRepository(options: RepositoryOptions): CommitPlace {
  const empty = `${options.path}/${OWN_FOLDER}/${EMPTY_FOLDER}`;
  const git = gitIn(options.program ?? findGit(), `${options.path}/.git`, empty);
  const step = options.onStep ?? (() => {});
  const place: CommitPlace = {
    prepare: async (request, change) => {
      requireRepository(options.root, change.changes);
      return prepareCommit(git, options, request, change);
    },
    async land({ id, previous, ref }) {
      step('git update-ref');
      const old = previous ?? '0'.repeat(id.length);
      await git(['update-ref', '--no-deref', '-m', 'safeai: change applied', ref, id, old]);
      step('after git update-ref');
    },
    async hasLanded({ id, ref }) {
      const { code, stdout } = await git(['rev-parse', '-q', '--verify', `${ref}^{commit}`], { allow: [1] });
      if (code !== 0) return false;
      if (stdout.toString().trim() === id) return true;
      // A commit that was cleaned away is on no branch.
      if ((await git(['cat-file', '-e', id], { allow: [1] })).code !== 0) return false;
      // Somebody may have gone on from it.
      return (await git(['merge-base', '--is-ancestor', id, ref], { allow: [1] })).code === 0;
    },
    async settle(commit) {
      if (await place.hasLanded(commit)) return true;
      const { ref, previous } = commit;
      const { code, stdout } = await git(['rev-parse', '-q', '--verify', `${ref}^{commit}`], { allow: [1] });
      // Both moves are from what it was: where somebody else moved it, neither can happen any more.
      if ((code === 0 ? stdout.toString().trim() : null) !== previous) return false;
      await place.land(commit);
      return true;
    },
    async refreshIndex(files, commit) {
      step('git update-index');
      await refreshIndex(git, files, commit).catch(() => {});
    },
  };
  return place;
}

/** Submodules, and repositories within the tree, have a history of their own. */
function requireRepository(root: Folder, files: readonly FileChange[]): void {
  const there = root.stat('.git');
  if (there === undefined || there.isSymbolicLink()) {
    throw new GovernorError(
      'GIT_FAILED',
      'expected the tree to be the top of a git repository, as the policy lands changes as commits; run `git init`, or take `git` out of the policy',
    );
  }
  const above = new Set(files.flatMap(({ path }) => foldersAbove(path)));
  const nested = [...above].find((path) =>
    inFolder(root, path.split('/'), (folder) => folder.stat('.git') !== undefined),
  );
  if (nested !== undefined) throw ownHistory(nested);
}

function ownHistory(path: string): GovernorError {
  return new GovernorError(
    'GIT_FAILED',
    `expected files of this repository, got ${shownPath(path)}, which has a history of its own`,
  );
}

async function prepareCommit(
  git: Git,
  { now, onStep }: RepositoryOptions,
  request: CommitRequest,
  { changes, folder, staged }: Parameters<CommitPlace['prepare']>[1],
): Promise<PlannedCommit> {
  onStep?.('git prepare');
  const head = await readHead(git);
  const index = `${folder}/index`;
  await git(head.commit === null ? ['read-tree', '--empty'] : ['read-tree', head.commit], { index });
  const committed = parseIndex((await git(['ls-files', '--stage', '-z'], { index })).stdout);
  const added = parseIndex((await git(['ls-files', '--stage', '-z'])).stdout);
  requireClean(changes, head.format, committed, added);
  const ids = await writeBlobs(git, head.format, changes, staged);
  const zero = '0'.repeat(head.format === 'sha1' ? 40 : 64);
  const lines = changes.map(({ path, after }, at) =>
    indexLine(path, after && { mode: after.mode, id: ids.get(at) ?? '' }, zero),
  );
  await git(['update-index', '-z', '--index-info'], { index, input: inOrder(lines, changes) });
  const tree = (await git(['write-tree'], { index })).stdout.toString().trim();
  const bytes = await commitBytes({ tree, parent: head.commit, at: now(), format: head.format }, request);
  const id = (await git(['hash-object', '-t', 'commit', '-w', '--stdin'], { input: bytes })).stdout
    .toString()
    .trim();
  if (id !== objectIdOf(head.format, 'commit', bytes)) throw unexpected();
  return { id, previous: head.commit, ref: head.ref };
}

async function readHead(git: Git): Promise<Head> {
  const format = (await git(['rev-parse', '--show-object-format'])).stdout.toString().trim();
  if (format !== 'sha1' && format !== 'sha256') throw unexpected();
  const named = await git(['symbolic-ref', '-q', 'HEAD'], { allow: [1] });
  const ref = named.stdout.toString().trim();
  if (named.code !== 0 || !ref.startsWith('refs/heads/')) {
    throw new GovernorError(
      'GIT_FAILED',
      'expected HEAD to name a branch, got a detached one; check a branch out',
    );
  }
  const found = await git(['rev-parse', '-q', '--verify', `${ref}^{commit}`], { allow: [1] });
  return { ref, commit: found.code === 0 ? found.stdout.toString().trim() : null, format };
}

/** The files of the change have to be as HEAD has them, in the index too: what is not committed would go into the commit. */
function requireClean(
  changes: readonly FileChange[],
  format: ObjectFormat,
  committed: ReadonlyMap<string, readonly IndexEntry[]>,
  added: ReadonlyMap<string, readonly IndexEntry[]>,
): void {
  for (const { path, before } of changes) {
    for (const above of foldersAbove(path))
      if (committed.get(above)?.[0]?.mode === '160000') throw ownHistory(above);
    const [there] = committed.get(path) ?? [];
    const expected = before && { mode: before.mode, id: objectIdOf(format, 'blob', before.bytes) };
    if (
      (expected?.id ?? null) !== (there?.id ?? null) ||
      (expected?.mode ?? null) !== (there?.mode ?? null)
    ) {
      throw new GovernorError(
        'GIT_FAILED',
        `expected ${shownPath(path)} to be as HEAD has it, byte by byte; commit or discard what was changed (conversions such as autocrlf are not supported)`,
      );
    }
    const entries = added.get(path) ?? [];
    if (entries.length > 1 || entries[0]?.id !== there?.id || entries[0]?.mode !== there?.mode) {
      throw new GovernorError(
        'GIT_FAILED',
        `expected ${shownPath(path)} not to be staged with changes; commit or unstage them`,
      );
    }
  }
}

/** Which object each file is to be. Git reads them by name, so what it answers is compared with what we know. */
async function writeBlobs(
  git: Git,
  format: ObjectFormat,
  changes: readonly FileChange[],
  staged: (index: number) => string,
): Promise<ReadonlyMap<number, string>> {
  const wanted = changes.flatMap(({ after }, at) => (after === null ? [] : [{ at, bytes: after.bytes }]));
  if (wanted.length === 0) return new Map();
  const input = `${wanted.map(({ at }) => staged(at)).join('\n')}\n`;
  const { stdout } = await git(['hash-object', '-w', '--no-filters', '--stdin-paths'], { input });
  const ids = stdout.toString().trim().split('\n');
  const known = wanted.map(({ bytes }) => objectIdOf(format, 'blob', bytes));
  if (ids.length !== known.length || ids.some((id, n) => id !== known[n])) throw unexpected();
  return new Map(wanted.map(({ at }, n) => [at, known[n] ?? '']));
}

/** What goes makes room for what comes: `a` may become `a/b`. */
function inOrder(lines: readonly string[], changes: readonly { readonly after: unknown }[]): string {
  const gone = lines.filter((_, at) => changes[at]?.after === null);
  const come = lines.filter((_, at) => changes[at]?.after !== null);
  return [...gone, ...come].join('');
}

async function refreshIndex(git: Git, files: ChangePlan['files'], commit: PlannedCommit): Promise<void> {
  const listed = await git(['ls-tree', '-r', '-z', '--full-tree', commit.id]);
  const zero = '0'.repeat(commit.id.length);
  const there = new Map<string, { mode: string; id: string }>();
  for (const line of listed.stdout.toString('utf8').split('\0')) {
    const [head = '', path = ''] = [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)];
    const [mode = '', , id = ''] = head.split(' ');
    there.set(path, { mode, id });
  }
  const lines = files.map(({ path }) => indexLine(path, there.get(path) ?? null, zero));
  await git(['update-index', '-z', '--index-info'], { input: inOrder(lines, files) });
}

function unexpected(): GovernorError {
  return new GovernorError(
    'GIT_FAILED',
    'git answered something else than expected; the repository or git itself is damaged',
  );
}
