import { GovernorError } from '../errors.ts';

/** What the governor keeps with the tree: its journal, the files as they were, the link that marks it as its own. */
export const OWN_FOLDER = '.safeai';

const MAX_PATH_BYTES = 4096;
const MAX_SEGMENT_BYTES = 255;
/** One descriptor is held per level while the tree is walked. */
export const MAX_DEPTH = 128;

/** For messages: a path is chosen by whoever proposes, and may hold anything. */
export function shownPath(path: string): string {
  const clean = [...path]
    .map((char) => (char < ' ' || char === '\u007f' || char === '`' ? '?' : char))
    .join('');
  return `\`${clean.length > 200 ? `${clean.slice(0, 200)}…` : clean}\``;
}

/** Splits a path into names, each of which stays in the folder that it is looked up in. Throws TREE_UNSAFE otherwise. */
export function segmentsOf(path: string): readonly string[] {
  const segments = path.split('/');
  const problem = problemOf(path, segments);
  if (problem === undefined) return segments;
  throw new GovernorError(
    'TREE_UNSAFE',
    `expected a path inside the tree, got ${shownPath(path)}: ${problem}`,
  );
}

function problemOf(path: string, segments: readonly string[]): string | undefined {
  if (path === '' || segments.includes('')) return 'a path has no empty segment and does not begin with `/`';
  if (segments.some((name) => name === '.' || name === '..')) return 'a path has no segment `.` or `..`';
  if (path.includes('\0')) return 'a name holds no null character';
  if (Buffer.from(path).toString() !== path) return 'a name is well-formed Unicode';
  if (segments.length > MAX_DEPTH) return `at most ${MAX_DEPTH} segments are allowed`;
  if (
    Buffer.byteLength(path) > MAX_PATH_BYTES ||
    segments.some((name) => Buffer.byteLength(name) > MAX_SEGMENT_BYTES)
  )
    return `a name has at most ${MAX_SEGMENT_BYTES} bytes and a path ${MAX_PATH_BYTES}`;
  if (segments.some((name) => name.toLowerCase() === '.git')) return 'what git keeps is no part of the tree';
  if (segments[0]?.toLowerCase() === OWN_FOLDER) return 'what the governor keeps is no part of the tree';
  return undefined;
}

/** Whether a name in a folder of the tree is no part of it. */
export function isOutside(name: string, atRoot: boolean): boolean {
  return name === '.git' || (atRoot && name === OWN_FOLDER);
}

/** Order of the UTF-8 bytes. Code units order alike but for surrogates, which stand for what comes after U+E000 to U+FFFF. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** The folders above a path, the nearest first, the root left out. */
export function foldersAbove(path: string): readonly string[] {
  const above: string[] = [];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    above.push(path.slice(0, at));
  return above;
}
