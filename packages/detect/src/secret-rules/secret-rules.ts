import { ownMatches } from './own-rules.ts';
import { presetMatches } from './preset-rules.ts';
import { joinedLiterals } from './split-literals.ts';

/** Where something that looks like a secret stands. What it is, is nowhere in here. */
export interface SecretFinding {
  readonly path: string;
  /** Such as `private-key` or `secretlint/github`. */
  readonly rule: string;
  /** Of its first and last line, from 1. */
  readonly line: number;
  readonly lastLine: number;
}

/** Finds secrets by their form, where nobody knows which ones there are. */
export interface SecretRules {
  /** By path as given, then by line. Each rule once per place. */
  scan(texts: readonly { readonly path: string; readonly text: string }[]): Promise<readonly SecretFinding[]>;
}

/** No rule finds anything that spans it, and no rule's spaces match it. */
const BOUNDARY = '\n\u0001\n';

export function createSecretRules(): SecretRules {
  return {
    scan: async (texts) => {
      const pieces = texts.flatMap(({ text }, index) => [
        { index, firstLine: 1, text },
        ...joinedLines(text).map((joined) => ({ index, ...joined })),
      ]);
      if (pieces.length === 0) return [];
      // One call for all texts: what secretlint takes is per call, hardly per byte.
      const content = pieces.map(({ text }) => text).join(BOUNDARY);
      const starts: number[] = [];
      let at = 0;
      for (const { text } of pieces) {
        starts.push(at);
        at += text.length + BOUNDARY.length;
      }
      const lines = lineStarts(content);
      const lineOf = (offset: number) => lastAtOrBelow(lines, offset);

      const found = new Map<string, SecretFinding & { readonly index: number }>();
      for (const { rule, start, end } of [...ownMatches(content), ...(await presetMatches(content))]) {
        const number = lastAtOrBelow(starts, start);
        const piece = pieces[number];
        if (piece === undefined) continue;
        const base = lineOf(starts[number] ?? 0) - piece.firstLine;
        const { index } = piece;
        const line = lineOf(start) - base;
        const lastLine = lineOf(trimmedEnd(content, start, end)) - base;
        const finding = { path: texts[index]?.path ?? '', rule, line, lastLine, index };
        found.set(`${index} ${rule} ${line} ${lastLine}`, finding);
      }
      return [...found.values()]
        .sort((a, b) => a.index - b.index || a.line - b.line || (a.rule < b.rule ? -1 : 1))
        .map(({ path, rule, line, lastLine }) => ({ path, rule, line, lastLine }));
    },
  };
}

function joinedLines(text: string): readonly { firstLine: number; text: string }[] {
  return text.split('\n').flatMap((line, number) => {
    const joined = joinedLiterals(line);
    return joined === undefined ? [] : [{ firstLine: number + 1, text: joined }];
  });
}

/** The last character that is no line end: what ends with one does not reach into the next line. */
function trimmedEnd(content: string, start: number, end: number): number {
  let last = Math.max(start, end - 1);
  while (last > start && content[last] === '\n') last -= 1;
  return last;
}

function lineStarts(content: string): readonly number[] {
  const starts = [0];
  for (let at = content.indexOf('\n'); at >= 0; at = content.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Index of the last of the sorted numbers that is not above `value`. */
function lastAtOrBelow(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
