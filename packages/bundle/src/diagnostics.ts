import type { CompileError, CompileErrorCode, CompileWarning, CompileWarningCode } from './errors.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface Details {
  readonly clause?: string | undefined;
  readonly message: string;
  readonly mend: string;
}

/** Collects everything that is wrong, so that one run of the compiler names it all. */
export class Diagnostics {
  readonly #errors: CompileError[] = [];
  readonly #warnings: CompileWarning[] = [];

  get failed(): boolean {
    return this.#errors.length > 0;
  }

  get errorCount(): number {
    return this.#errors.length;
  }

  error(code: CompileErrorCode, place: Place, details: Details): void {
    this.#errors.push({ code, ...finding(place, details) });
  }

  warning(code: CompileWarningCode, place: Place, details: Details): void {
    this.#warnings.push({ code, ...finding(place, details) });
  }

  /** In reading order: file, line, column. */
  errors(): readonly CompileError[] {
    return [...this.#errors].sort(byPlace);
  }

  warnings(): readonly CompileWarning[] {
    return [...this.#warnings].sort(byPlace);
  }
}

function finding({ file, line, column }: Place, { clause, message, mend }: Details) {
  return { file, line, column, ...(clause === undefined ? {} : { clause }), message, mend };
}

function byPlace(a: Place, b: Place): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
