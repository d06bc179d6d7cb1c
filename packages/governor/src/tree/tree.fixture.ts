import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Crypto, type Digest, digestOf, utf8 } from '@provability-fabric/kernel';
import type { FileChange, TreeFile } from '../change.ts';
import type { FileMode } from '../manifest/manifest.ts';

/** Small enough for programs that are started by the dozen; nothing of the tree is signed. */
export const crypto: Crypto = {
  sha256: (data) => createHash('sha256').update(data).digest(),
  sha256Hex: (data) => createHash('sha256').update(data).digest('hex'),
  verifyEd25519: () => false,
};

export interface TemporaryPlace {
  readonly root: string;
  /** A path beside the tree, where nothing is. */
  beside(name: string): string;
  remove(): void;
}

export function temporaryPlace(): TemporaryPlace {
  const path = mkdtempSync(join(tmpdir(), 'governor-tree-'));
  const root = join(path, 'tree');
  mkdirSync(root);
  return {
    root,
    beside: (name) => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), 0o644);
  }
}

export function fileOf(text: string, mode: FileMode = '100644'): TreeFile {
  const bytes = utf8(text);
  return { bytes, digest: digestOf(crypto, bytes), mode };
}

export function change(
  path: string,
  before: string | null,
  after: string | null,
  mode?: FileMode,
): FileChange {
  return {
    path,
    before: before === null ? null : fileOf(before),
    after: after === null ? null : fileOf(after, mode),
  };
}

/** All but what is no part of a tree, with texts and permissions, links and empty folders. */
export function picture(root: string, below = ''): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(root, below)).sort()) {
    if (name === '.safeai' || name === '.git') continue;
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(join(root, path));
    const mode = (stats.mode & 0o777).toString(8);
    if (stats.isDirectory()) Object.assign(found, { [`${path}/`]: mode }, picture(root, path));
    else if (stats.isFile()) found[path] = `${mode} ${readFileSync(join(root, path), 'utf8')}`;
    else found[path] = 'other';
  }
  return found;
}

export const SOME_MANIFEST = 'ab'.repeat(32) as Digest;

/** What most requests to land a change share. */
export const LAND = { manifest: SOME_MANIFEST, reverts: null, expectedAfter: null, held: async () => {} };
