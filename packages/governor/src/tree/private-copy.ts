import { mkdirSync } from 'node:fs';
import { type Crypto, type Digest, digestOf } from '@provability-fabric/kernel';
import type { FileChange } from '../change.ts';
import { GovernorError } from '../errors.ts';
import { readWhole } from './file-digest.ts';
import { Folder, inFolder } from './folder.ts';
import { segmentsOf, shownPath } from './tree-path.ts';
import { stateAfter, stateOf, type TreeEntry, type TreeState } from './tree-state.ts';

const YIELD_AFTER = 64;

/**
 * Puts the tree as it is after the changes into a new folder that only this user can enter, and answers the digest of what
 * was really written there. Each file is checked against the state while it is copied; STALE_BASE names one that differs.
 */
export async function copyTree(
  root: Folder,
  crypto: Crypto,
  to: { readonly folder: string; readonly state: TreeState; readonly changes: readonly FileChange[] },
): Promise<{ readonly digest: Digest }> {
  const { folder, state, changes } = to;
  const given = new Map(changes.map((change) => [change.path, change.after]));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    throw new Error('expected a folder to copy the tree to that can be made, with nothing there yet', {
      cause: error,
    });
  }
  const copy = Folder.open(folder);
  const written = new Map<string, TreeEntry>();
  try {
    const folders = new OpenFolders(copy);
    try {
      let count = 0;
      for (const [path, entry] of stateAfter(crypto, state, changes).files) {
        if (++count % YIELD_AFTER === 0) await new Promise((resolve) => setImmediate(resolve));
        const [above, name] = split(path);
        const into = folders.at(above);
        const after = given.get(path);
        if (after) {
          into.create(name, after.bytes, { permissions: after.mode === '100755' ? 0o755 : 0o644 });
          written.set(path, { digest: digestOf(crypto, after.bytes), mode: after.mode });
        } else {
          written.set(path, copyOne(root, into, path, entry));
        }
      }
    } finally {
      folders.close();
    }
  } finally {
    copy.close();
  }
  return { digest: stateOf(crypto, written).digest };
}

function copyOne(root: Folder, into: Folder, path: string, entry: TreeEntry): TreeEntry {
  const [above, name] = split(path);
  const found = inFolder(root, above, (from) => {
    if (entry.mode === '120000') {
      const target = from.readLink(name);
      if (!staysInside(above.length, target.toString('utf8'))) {
        throw new GovernorError(
          'TREE_UNSAFE',
          `expected links that stay inside the tree, got one at ${shownPath(path)} that does not; make it relative or remove it`,
        );
      }
      into.createLink(name, target);
      return entry;
    }
    const whole = readWhole(from, name);
    if (whole === undefined) return undefined;
    const { file } = whole;
    if (file.digest !== entry.digest || file.mode !== entry.mode) return undefined;
    into.create(name, file.bytes, { permissions: file.mode === '100755' ? 0o755 : 0o644 });
    return { digest: file.digest, mode: file.mode };
  });
  if (found !== undefined) return found;
  throw new GovernorError(
    'STALE_BASE',
    `the tree changed while it was copied: ${shownPath(path)} is another file now`,
  );
}

/**
 * `..` only at the front, and not beyond the root: then each step goes down, and where a name on the way down is a link
 * itself, the same holds for it.
 */
function staysInside(depth: number, target: string): boolean {
  const segments = target.split('/');
  const up = segments.findIndex((name) => name !== '..' && name !== '.' && name !== '');
  const front = up < 0 ? segments : segments.slice(0, up);
  if (target === '' || target.startsWith('/')) return false;
  return (
    front.filter((name) => name === '..').length <= depth && !segments.slice(front.length).includes('..')
  );
}

function split(path: string): readonly [readonly string[], string] {
  const segments = segmentsOf(path);
  return [segments.slice(0, -1), segments.at(-1) ?? ''];
}

/** The folders from the copy's root down to where the last file went: paths come in order, so most are open already. */
class OpenFolders {
  readonly #root: Folder;
  #open: { readonly name: string; readonly folder: Folder }[] = [];

  constructor(root: Folder) {
    this.#root = root;
  }

  at(segments: readonly string[]): Folder {
    let same = 0;
    while (same < segments.length && this.#open[same]?.name === segments[same]) same++;
    for (const { folder } of this.#open.splice(same)) folder.close();
    let folder = this.#open.at(-1)?.folder ?? this.#root;
    for (const name of segments.slice(same)) {
      if (folder.stat(name) === undefined) folder.makeFolder(name, 0o755);
      const child = folder.child(name);
      if (child === undefined) throw new Error('a folder of the copy is gone');
      this.#open.push({ name, folder: child });
      folder = child;
    }
    return folder;
  }

  close(): void {
    for (const { folder } of this.#open.splice(0)) folder.close();
  }
}
