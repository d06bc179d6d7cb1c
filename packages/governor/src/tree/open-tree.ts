import { realpathSync } from 'node:fs';
import type { Crypto, Digest } from '@provability-fabric/kernel';
import { type ApplyPlace, applyChanges } from '../apply/apply-changes.ts';
import { inverseOf } from '../apply/inverse-of.ts';
import type { CommitPlace, CommitSigner } from '../apply/ports.ts';
import { confirmChange, pendingChanges, recoverChanges } from '../apply/recover-changes.ts';
import { splitPath } from '../apply/target.ts';
import type { FileChange, TreeFile } from '../change.ts';
import { GovernorError } from '../errors.ts';
import { openGitRepository } from '../git/git-repository.ts';
import type { GovernedTree } from '../service/ports.ts';
import { readWhole } from './file-digest.ts';
import { Folder, inFolder, type Step, systemCode } from './folder.ts';
import { copyTree } from './private-copy.ts';
import { withTreeErrors } from './tree-error.ts';
import { TREE_LIMITS, type TreeLimits, TreeScan } from './tree-scan.ts';
import type { TreeState } from './tree-state.ts';

/**
 * The tree that a governor governs. What changes it is called under its lock: `recover` first of all and again before each
 * `land`, since another process may have been killed in one; `confirm` once the end of a change is on record.
 */
export interface Tree extends GovernedTree {
  /** Absolute, without links. */
  readonly root: string;
  /** All of it, hashed; what has not changed since the last look is not read again. */
  state(): Promise<TreeState>;
  /** undefined where there is nothing. A link, or a link on the way, is TREE_UNSAFE. */
  read(path: string): Promise<TreeFile | undefined>;
  /** Files and links, in the order of the UTF-8 bytes. */
  paths(): Promise<readonly string[]>;
  /**
   * Makes `folder`, which must not exist, with the tree as it is after the changes, for this user alone. The digest is that of
   * what is in it: what landing the same changes has to give.
   */
  copyInto(folder: string, changes: readonly FileChange[]): Promise<{ readonly digest: Digest }>;
  close(): void;
}

export interface TreeOptions {
  readonly crypto: Crypto;
  /** ms since 1970. */
  readonly now: () => number;
  readonly limits?: TreeLimits;
  /** Absent: git where Debian and most others have it. */
  readonly gitProgram?: string;
  /** For policies that have commits signed. */
  readonly commitSigner?: CommitSigner;
  readonly onStep?: Step;
}

/** Links on the way to the root are followed, once and here; from then on the folder itself is held, and no link ever is. */
export async function openTree(root: string, options: TreeOptions): Promise<Tree> {
  const { crypto, now, onStep } = options;
  if (process.platform !== 'linux') {
    throw new GovernorError(
      'TREE_UNSAFE',
      `expected Linux, got \`${process.platform}\`: only there can a tree be walked safely`,
    );
  }
  const { path, folder } = openRoot(root, onStep);
  const scan = new TreeScan(folder, { crypto, now, limits: options.limits ?? TREE_LIMITS });
  let commits: CommitPlace | undefined;
  const place: ApplyPlace = {
    path,
    root: folder,
    crypto,
    now,
    ...(options.commitSigner === undefined ? {} : { commitSigner: options.commitSigner }),
    state: () => scan.look(),
    commits() {
      commits ??= openGitRepository({
        root: folder,
        path,
        now,
        ...(options.gitProgram === undefined ? {} : { program: options.gitProgram }),
        ...(onStep === undefined ? {} : { onStep }),
      });
      return commits;
    },
  };
  return {
    root: path,
    state: () => withTreeErrors(() => scan.look()),
    read: (asked) =>
      withTreeErrors(() => {
        const { above, name } = splitPath(asked);
        return inFolder(folder, above, (parent) => readWhole(parent, name)?.file);
      }),
    paths: () => withTreeErrors(async () => [...(await scan.look()).files.keys()]),
    copyInto: (to, changes) =>
      withTreeErrors(async () => copyTree(folder, crypto, { folder: to, state: await scan.look(), changes })),
    land: (request) => withTreeErrors(() => applyChanges(place, request)),
    pending: () => withTreeErrors(async () => pendingChanges(place)),
    recover: () => withTreeErrors(() => recoverChanges(place)),
    confirm: (id) => withTreeErrors(() => confirmChange(place, id)),
    inverse: (change, later) => withTreeErrors(() => inverseOf(place, change, later)),
    close: () => folder.close(),
  };
}

function openRoot(
  root: string,
  onStep: Step | undefined,
): { readonly path: string; readonly folder: Folder } {
  try {
    const path = realpathSync(root);
    return { path, folder: Folder.open(path, onStep) };
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw error;
    throw new GovernorError(
      'TREE_UNSAFE',
      `expected the folder to govern at \`${root}\`; make it or name another`,
      {
        cause: error,
      },
    );
  }
}
