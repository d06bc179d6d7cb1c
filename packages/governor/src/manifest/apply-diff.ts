import { parsePatch, type StructuredPatch, type StructuredPatchHunk } from 'diff';
import { GovernorError } from '../errors.ts';
import { quotedPath } from './quoted-path.ts';

// Git's own lines above the hunks can ask for more than the hunks say.
const EXTENDED_HEADER =
  /^(old mode|new mode|new file mode|deleted file mode|rename|copy|similarity|GIT binary patch)\b/m;

/**
 * A file's text after a unified diff, which has to fit line by line, end by end, where its numbers say: no offset, no fuzz. The
 * library reads the diff; its own search for a place that fits is what is not wanted. Throws MANIFEST_INVALID.
 */
export function applyDiff(path: string, before: string, diff: string): string {
  const { hunks } = patchOf(path, diff);
  const lines = closedLines(before);
  const after: string[] = [];
  let next = 0;
  for (const hunk of hunks) {
    const { removed, added } = sidesOf(path, hunk);
    // parsePatch has turned the "line before" of an empty side into the line itself.
    const start = hunk.oldStart - 1;
    if (start < next || hunk.newStart - 1 !== after.length + start - next) throw misfit(path, hunk);
    while (next < start && next < lines.length) after.push(lines[next++] as string);
    if (next !== start || !removed.every((line, at) => lines[start + at] === line)) throw misfit(path, hunk);
    after.push(...added);
    next = start + removed.length;
  }
  while (next < lines.length) after.push(lines[next++] as string);
  const open = after.findIndex((line) => !line.endsWith('\n'));
  if (open >= 0 && open < after.length - 1)
    throw invalid(`expected only the last line of ${quotedPath(path)} to lack a newline after its diff`);
  return after.join('');
}

function patchOf(path: string, diff: string): StructuredPatch {
  const patches = parsed(path, diff);
  const [patch] = patches;
  if (patch === undefined || patches.length > 1 || patch.hunks.length === 0)
    throw invalid(`expected a unified diff of one file with at least one hunk for ${quotedPath(path)}`);
  const { oldFileName, newFileName } = patch;
  const plain = oldFileName === path && newFileName === path;
  const prefixed = oldFileName === `a/${path}` && newFileName === `b/${path}`;
  if (!plain && !prefixed)
    throw invalid(
      `expected the diff's headers to be \`--- a/…\` and \`+++ b/…\` with the path ${quotedPath(path)}; ` +
        'what creates, deletes or renames a file belongs into `files`',
    );
  const headers = diff.slice(0, diff.indexOf('\n@@'));
  if (EXTENDED_HEADER.test(headers))
    throw invalid(
      `expected a diff of the text of ${quotedPath(path)} alone; modes and renames belong into \`files\``,
    );
  return patch;
}

function parsed(path: string, diff: string): readonly StructuredPatch[] {
  try {
    return parsePatch(diff);
  } catch (cause) {
    // The library's messages quote the lines of the diff.
    throw new GovernorError('MANIFEST_INVALID', `expected a unified diff for ${quotedPath(path)}`, { cause });
  }
}

/** What a hunk takes away and what it puts there, both with the context, each line with its end. */
function sidesOf(
  path: string,
  hunk: StructuredPatchHunk,
): { readonly removed: string[]; readonly added: string[] } {
  const removed: string[] = [];
  const added: string[] = [];
  let last = '';
  for (const line of hunk.lines) {
    const [mark = '', text] = [line.charAt(0), `${line.slice(1)}\n`];
    if (mark === '\\') {
      if (last === '') throw misfit(path, hunk);
      if (last !== '+') openLast(removed);
      if (last !== '-') openLast(added);
    } else {
      if (mark !== '+') removed.push(text);
      if (mark !== '-') added.push(text);
    }
    last = mark === '\\' ? '' : mark;
  }
  if (hunk.lines.every((line) => !/^[+-]/.test(line))) throw misfit(path, hunk);
  return { removed, added };
}

/** What `\ No newline at end of file` says of the line above it. */
function openLast(lines: string[]): void {
  const line = lines.pop();
  if (line !== undefined) lines.push(line.slice(0, -1));
}

/** Lines with their newlines; a carriage return is a part of its line, as in a diff. */
function closedLines(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function misfit(path: string, { oldStart }: StructuredPatchHunk): GovernorError {
  return invalid(
    `expected the diff of ${quotedPath(path)} to fit line by line, it does not in the hunk at line ${oldStart}; make it anew`,
  );
}

function invalid(message: string): GovernorError {
  return new GovernorError('MANIFEST_INVALID', message);
}
