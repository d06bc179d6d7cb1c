import type { DetailedError } from './cedar-wasm.ts';
import { type CedarProblem, problemAt } from './problem.ts';
import type { SourceText } from './source-text.ts';

/** What cedar-wasm reports about one file, each finding on its own. */
export function wasmProblems(
  source: SourceText,
  errors: readonly DetailedError[],
  clauseAt: (index: number) => string | undefined,
): readonly CedarProblem[] {
  return errors.flatMap((error) => [
    wasmProblem(source, error, clauseAt),
    ...wasmProblems(source, error.related ?? [], clauseAt),
  ]);
}

function wasmProblem(
  source: SourceText,
  error: DetailedError,
  clauseAt: (index: number) => string | undefined,
): CedarProblem {
  const [place] = error.sourceLocations ?? [];
  const index = place ? source.indexOfByte(place.start) : 0;
  // The validator numbers policies; ours have names, and the problem carries the one concerned.
  const message = error.message.replace(/^for policy `[^`]*`, /, '');
  const mend = error.help ?? place?.label ?? 'see docs.cedarpolicy.com for what Cedar allows here';
  return problemAt(source, index, {
    clause: clauseAt(index),
    message,
    mend: mend.replace(/^for policy `[^`]*`, /, ''),
  });
}
