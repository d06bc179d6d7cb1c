/** Where a pattern stands in a text: lines from 0, both inclusive. */
export interface PatternMatch {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** Looks for patterns in one text. `path` is null for a test command. */
export type TextScanner = (text: LinedText, path: string | null) => readonly PatternMatch[];

/** A text that knows its lines. */
export class LinedText {
  readonly text: string;
  #starts: readonly number[] | undefined;

  constructor(text: string) {
    this.text = text;
  }

  lineOf(offset: number): number {
    const starts = this.#lineStarts();
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The lines of a match as they are written, spaces at their ends left aside. */
  written({ first, last }: { readonly first: number; readonly last: number }): string {
    const starts = this.#lineStarts();
    const lines = this.text.slice(starts[first] ?? 0, starts[last + 1] ?? this.text.length).split('\n');
    return lines.map((line) => line.trim()).join('\n');
  }

  match(name: string, start: number, end: number): PatternMatch {
    return { name, first: this.lineOf(start), last: this.lineOf(Math.max(start, end - 1)) };
  }

  #lineStarts(): readonly number[] {
    if (this.#starts === undefined) {
      const starts = [0];
      const { text } = this;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
      this.#starts = starts;
    }
    return this.#starts;
  }
}

/**
 * What a change brings in: of the matches in the text after it those whose lines, as a whole, stood there less often
 * before. So a line that is moved is not new, and two that become a pattern only together are.
 */
export function addedMatches<Match extends { readonly first: number; readonly last: number }>(
  after: { readonly text: LinedText; readonly matches: readonly Match[] },
  before: () => { readonly text: LinedText; readonly matches: readonly Match[] } | undefined,
  nameOf: (match: Match) => string,
): readonly Match[] {
  if (after.matches.length === 0) return [];
  const known = new Map<string, number>();
  const earlier = before();
  const keyOf = (text: LinedText, match: Match) => `${nameOf(match)}\n${text.written(match)}`;
  for (const match of earlier?.matches ?? []) {
    const key = keyOf((earlier as { readonly text: LinedText }).text, match);
    known.set(key, (known.get(key) ?? 0) + 1);
  }
  return after.matches.filter((match) => {
    const key = keyOf(after.text, match);
    const left = known.get(key) ?? 0;
    if (left > 0) known.set(key, left - 1);
    return left === 0;
  });
}
