import { join } from 'node:path';
import type { BundleSources, CompileError, CompileWarning } from '@provability-fabric/bundle';
import { type Style, visible } from '@provability-fabric/command-line';

const plain: Style = (text) => text;

/** Compile errors or warnings with the line that each is about, and what would mend it. */
export function formatFindings(
  folder: string,
  sources: BundleSources,
  findings: readonly (CompileError | CompileWarning)[],
  kind: 'error' | 'warning',
  style: Style = plain,
): string {
  return findings.map((finding) => formatFinding(folder, sources, finding, kind, style)).join('\n');
}

function formatFinding(
  folder: string,
  sources: BundleSources,
  { file, line, column, clause, code, message, mend }: CompileError | CompileWarning,
  kind: 'error' | 'warning',
  style: Style,
): string {
  const head = style(`${kind}[${code}]`, kind === 'error' ? 'bad' : 'warn');
  const place = `${join(folder, file)}:${line}:${column}`;
  const number = String(line);
  const margin = ' '.repeat(number.length);
  const source = sources.files.get(file)?.split(/\r?\n/)[line - 1];
  const quoted = source === undefined || source.trim() === '' ? [] : quote(source, column, number, margin);
  return [
    `${head}: ${visible(message)}`,
    `${margin}--> ${visible(place)}`,
    ...quoted,
    ...(clause === undefined ? [] : [`${margin} = clause: ${visible(clause)}`]),
    `${margin} = mend: ${visible(mend)}\n`,
  ].join('\n');
}

const QUOTED_COLUMNS = 100;

/** The source line with a mark under the column; a long line is shown from near its column on. */
function quote(source: string, column: number, number: string, margin: string): readonly string[] {
  const from = column <= QUOTED_COLUMNS ? 0 : column - 20;
  const before = visible(source.slice(from, column - 1).replaceAll('\t', ' '));
  const after = visible(source.slice(column - 1, from + QUOTED_COLUMNS).replaceAll('\t', ' '));
  return [`${margin} |`, `${number} | ${before}${after}`, `${margin} | ${' '.repeat(before.length)}^`];
}
