import { hasInvisible } from './invisible-characters.ts';

const MAX_PATH = 4096;
const MAX_SEGMENT = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?: *\..*)?$/i;

/**
 * What is wrong with the form of a path that came from outside; undefined for one that names a place below the root, the
 * same place on every system. Percent signs are letters like others: nothing here decodes them.
 */
export function pathFormProblem(path: string): string | undefined {
  if (path === '') return 'expected a path, came nothing';
  if (/[\ud800-\udfff]/u.test(path)) return 'expected Unicode, came half a character';
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH) return `expected at most ${MAX_PATH} bytes, came ${bytes}`;
  if (CONTROL.test(path)) return 'expected no control characters, came one';
  if (hasInvisible(path))
    return 'expected visible characters, came one that shows nothing or turns the direction';
  if (path.includes('\\')) return 'expected `/` between folders, came a backslash';
  if (path.startsWith('/')) return 'expected a path relative to the tree, came an absolute one';
  if (path.includes(':')) return 'expected no `:`, which names a drive or a stream of a file on Windows';
  for (const segment of path.split('/')) {
    const problem = segmentProblem(segment);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function segmentProblem(segment: string): string | undefined {
  if (segment === '') return 'expected one `/` between names and none at the end, came an empty name';
  if (segment === '.' || segment === '..') return `expected names, came \`${segment}\``;
  if (Buffer.byteLength(segment) > MAX_SEGMENT)
    return `expected names of at most ${MAX_SEGMENT} bytes, came a longer one`;
  if (/[. ]$/.test(segment)) return 'expected no name that ends with a dot or a space, which Windows drops';
  if (DEVICE.test(segment)) return 'expected a name of a file, came one of a device on Windows';
  return undefined;
}
