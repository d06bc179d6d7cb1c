/** One thing wrong with a configuration, said so that it can be mended. */
export interface Problem {
  /** Relative to the root that the configuration was looked for in. */
  readonly file: string;
  /** From 1; null where the file as a whole is meant. */
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

export function formatProblem({ file, line, column, message }: Problem): string {
  return line === null ? `${file}: ${message}` : `${file}:${line}:${column ?? 1}: ${message}`;
}

/** What came, short and in backticks, whatever its type. */
export function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return `\`${String(value).slice(0, 80)}\``;
}
