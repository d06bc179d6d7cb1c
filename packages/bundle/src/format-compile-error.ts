import type { CompileError, CompileWarning } from './errors.ts';

/** One line for people: `bundle.yaml:12:5: clause no-leak: expected …, came …; mend: … [CODE]`. */
export function formatCompileError(error: CompileError | CompileWarning): string {
  const { file, line, column, clause, message, mend, code } = error;
  const subject = clause === undefined ? '' : `clause ${clause}: `;
  // A bundle under review may be a stranger's: its text must not steer the reviewer's terminal or forge a
  // second line.
  return `${file}:${line}:${column}: ${subject}${message}; mend: ${mend} [${code}]`.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly what is to be shown harmlessly
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
