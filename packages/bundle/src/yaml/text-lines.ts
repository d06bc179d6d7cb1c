import type { Place } from '../diagnostics.ts';

/** The lines of a file, for turning offsets into places. */
export class TextLines {
  readonly #file: string;
  readonly #starts: readonly number[];

  constructor(file: string, text: string) {
    const starts = [0];
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.#file = file;
    this.#starts = starts;
  }

  place(offset: number): Place {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.#file, line: low + 1, column: offset - (this.#starts[low] as number) + 1 };
  }
}
