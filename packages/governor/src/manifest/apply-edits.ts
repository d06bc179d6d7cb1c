import { GovernorError } from '../errors.ts';
import { inOrder } from './check-targets.ts';
import type { Edit } from './manifest.ts';
import { quotedPath } from './quoted-path.ts';
import { linesOf, type TextLine } from './text-lines.ts';

/**
 * A file's text after edits that do not overlap. Lines that no edit names keep every byte. New lines end as the file's first line
 * does (`\n` in a file without any), however the edit's text ends its own; whether the last line of the file has an end stays as
 * it was, and a file that had no line at all gets one. Throws MANIFEST_INVALID for a line that is not there: nothing is padded.
 */
export function applyEdits(path: string, before: string, edits: readonly Edit[]): string {
  const lines = linesOf(before);
  const ending = lines[0]?.ending === '\r\n' ? '\r\n' : '\n';
  const after: TextLine[] = [];
  let next = 0;
  for (const edit of [...edits].sort(inOrder)) {
    checkThere(path, edit, lines.length);
    while (next < edit.start) after.push(lines[next++] as TextLine);
    for (const { text } of linesOf(edit.text)) after.push({ text, ending });
    if (edit.op !== 'insert') next = edit.end + 1;
  }
  while (next < lines.length) after.push(lines[next++] as TextLine);
  const endsOpen = lines.at(-1)?.ending === '';
  return after
    .map((line, at) => line.text + endingOf(line, at === after.length - 1, endsOpen, ending))
    .join('');
}

function endingOf(line: TextLine, isLast: boolean, endsOpen: boolean, ending: string): string {
  if (isLast && endsOpen) return '';
  return line.ending === '' ? ending : line.ending;
}

function checkThere(path: string, { op, start, end }: Edit, lines: number): void {
  const last = op === 'insert' ? start - 1 : end;
  if (last < lines) return;
  throw new GovernorError(
    'MANIFEST_INVALID',
    `expected an edit within the ${lines} lines of ${quotedPath(path)}, came one of line ${op === 'insert' ? start : end}; ` +
      'lines are counted from 0',
  );
}
