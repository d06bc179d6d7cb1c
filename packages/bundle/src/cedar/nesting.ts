import { type CedarProblem, problemAt } from './problem.ts';
import type { SourceText } from './source-text.ts';
import { tokenize } from './tokens.ts';

// cedar-wasm's stack overflows at some hundred levels, taking all that it has loaded along.
const MAX_NESTING = 64;

/** The first bracket that is nested too deeply to be parsed. */
export function nestingProblem(source: SourceText): CedarProblem | undefined {
  let depth = 0;
  for (const { kind, text, start } of tokenize(source.text)) {
    if (kind !== 'mark') continue;
    if ('([{'.includes(text)) depth++;
    else if (')]}'.includes(text)) depth--;
    if (depth > MAX_NESTING) {
      return problemAt(source, start, {
        message: `expected brackets nested at most ${MAX_NESTING} deep, got a deeper one`,
        mend: 'split the expression into several conditions or policies',
      });
    }
  }
  return undefined;
}
