import type { SourceText } from './source-text.ts';

/** What is wrong with a source, where, and what would mend it. */
export interface CedarProblem {
  readonly file: string;
  /** Both from 1; columns count UTF-16 units, as editors do. */
  readonly line: number;
  readonly column: number;
  /** The policy concerned, where it is one. */
  readonly clause?: string;
  readonly message: string;
  readonly mend: string;
}

export function problemAt(
  source: SourceText,
  index: number,
  what: { readonly clause?: string | undefined; readonly message: string; readonly mend: string },
): CedarProblem {
  const { clause, message, mend } = what;
  return {
    file: source.path,
    ...source.position(index),
    ...(clause === undefined ? {} : { clause }),
    message,
    mend,
  };
}
