import { constants } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fromUtf8 } from '@provability-fabric/kernel';
import { BundleError } from './errors.ts';
import {
  BUNDLE_FILE,
  type BundleSources,
  MAX_FILE_BYTES,
  MAX_FILES,
  POLICY_FILE,
  SCHEMA_FILE,
  TEST_FILE,
} from './sources.ts';

/**
 * The sources in a bundle's folder: `bundle.yaml`, `policy.cedar`, `schema.cedarschema` and `tests/*.yaml`;
 * other files are none of its business. Links may stay within the folder (a mounted ConfigMap is made of
 * them) and not leave it. Throws BundleError.
 */
export async function readBundleFolder(folder: string): Promise<BundleSources> {
  const root = await realRoot(folder);
  const files = new Map<string, string>();
  for (const [path, required] of [
    [BUNDLE_FILE, true],
    [POLICY_FILE, true],
    [SCHEMA_FILE, false],
  ] as const) {
    const text = await readSource(root, path);
    if (text !== undefined) files.set(path, text);
    else if (required) {
      throw new BundleError(
        'FILE_MISSING',
        `expected a file \`${path}\` in the bundle's folder, came none; add it, or let \`pfctl init\` write one`,
      );
    }
  }
  for (const path of await testPaths(root)) files.set(path, (await readSource(root, path)) ?? '');
  return { files };
}

async function realRoot(folder: string): Promise<string> {
  const root = await realpath(folder).catch(unlessMissing);
  if (root !== undefined && (await stat(root)).isDirectory()) return root;
  throw new BundleError(
    'FOLDER_UNREADABLE',
    `expected a bundle's folder, came \`${folder}\`; name a folder with a \`${BUNDLE_FILE}\` in it`,
  );
}

async function testPaths(root: string): Promise<readonly string[]> {
  const folder = await inside(root, 'tests');
  if (folder === undefined) return [];
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  if (names.length > MAX_FILES) {
    throw new BundleError(
      'TOO_MANY',
      `expected at most ${MAX_FILES} files in tests/, came \`${names.length}\`; put several cases into one`,
    );
  }
  for (const name of names) {
    if (TEST_FILE.test(`tests/${name}`)) continue;
    throw new BundleError(
      'FILE_UNEXPECTED',
      `expected only files named *.yaml in tests/, out of A-Z a-z 0-9 . _ -, came \`${name}\`; rename it, since it would never run`,
    );
  }
  return names.map((name) => `tests/${name}`);
}

/** The real path of something in the folder; undefined if it is not there. */
async function inside(root: string, path: string): Promise<string | undefined> {
  const real = await realpath(join(root, path)).catch(unlessMissing);
  if (real === undefined) return undefined;
  const way = relative(root, real);
  if (way === '..' || way.startsWith(`..${sep}`)) {
    throw new BundleError(
      'FILE_OUTSIDE',
      `expected \`${path}\` to be in the bundle's folder, came a link out of it; copy the file into the folder`,
    );
  }
  return real;
}

async function readSource(root: string, path: string): Promise<string | undefined> {
  const real = await inside(root, path);
  if (real === undefined) return undefined;
  // O_NOFOLLOW: what was a file a moment ago may be a link now. O_NONBLOCK: opening a pipe must not wait for
  // a writer.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) {
      throw new BundleError(
        'FILE_UNEXPECTED',
        `expected \`${path}\` to be a file, came something else; replace it by one`,
      );
    }
    const buffer = new Uint8Array(MAX_FILE_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = (await file.read(buffer, length, buffer.length - length)).bytesRead;
    }
    if (length > MAX_FILE_BYTES) {
      throw new BundleError(
        'FILE_TOO_LARGE',
        `expected \`${path}\` to have at most ${MAX_FILE_BYTES} bytes, came more; split the bundle or its tests`,
      );
    }
    return textOf(path, buffer.subarray(0, length));
  } finally {
    await file.close();
  }
}

function textOf(path: string, bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new BundleError(
      'FILE_NOT_TEXT',
      `expected \`${path}\` to be UTF-8, came other bytes (${problem}); save it as UTF-8`,
      { cause },
    );
  }
}

function unlessMissing(error: unknown): undefined {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}
