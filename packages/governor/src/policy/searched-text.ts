import type { FileChange, TreeFile } from '../change.ts';
import { isAscii, withoutInvisible } from './invisible-characters.ts';
import { addedMatches, LinedText, type PatternMatch } from './text-scanner.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A file's text; undefined for a binary one, which has a NUL or is not UTF-8. */
export function textOf({ bytes }: TreeFile): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** What is searched of a file: its text, or of a binary file the letters in it, UTF-16 included. */
function readableOf(file: TreeFile): string {
  return textOf(file) ?? Buffer.from(file.bytes).toString('latin1').replaceAll('\0', '');
}

/** Invisible characters gone, and letters in their plain form: Python reads a full-width `eval` as `eval`. */
function plainText(text: string): string {
  return isAscii(text) ? text : withoutInvisible(text.normalize('NFKC'));
}

const CONTINUED = /\\\r?\n/g;

/**
 * The texts to search for patterns: as written, and as meant where that differs. A line that goes on after a backslash
 * continues a word in a shell and begins another one in Python.
 */
export function searchedTexts(text: string): readonly LinedText[] {
  const plain = plainText(text);
  const meant = new Set([text, plain]);
  if (/\\\r?\n/.test(plain)) {
    meant.add(plain.replace(CONTINUED, ''));
    meant.add(plain.replace(CONTINUED, ' '));
  }
  return [...meant].map((one) => new LinedText(one));
}

/** Of a change: before and after as they are searched. */
export interface SearchedChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** A change that brings in no bytes brings in no pattern. */
export function searchedChanges(changes: readonly FileChange[]): readonly SearchedChange[] {
  return changes
    .filter(({ before, after }) => after !== null && after.digest !== before?.digest)
    .map(({ path, before, after }) => ({
      path,
      before: before && readableOf(before),
      after: after && readableOf(after),
    }));
}

/** The matches that a text brings in, as written or as meant. `before` is null for a new file. */
export function addedPatterns(
  before: string | null,
  after: string,
  scan: (text: LinedText) => readonly PatternMatch[],
): readonly PatternMatch[] {
  return searchedTexts(after).flatMap((text, index) => {
    const earlier = () => {
      const texts = before === null ? [] : searchedTexts(before);
      // Where the earlier text is the same in fewer readings, its last one is this one too.
      const known = texts[index] ?? texts.at(-1);
      return known && { text: known, matches: scan(known) };
    };
    return addedMatches({ text, matches: scan(text) }, earlier, ({ name }) => name);
  });
}
