import type { Style } from './style.ts';
import { visible } from './visible.ts';

/** Columns as wide as their widest cell. Cells are escaped here; `paint` colours one after its width is known. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
  paint: (cell: string, column: number, row: number) => string = (cell) => cell,
): string {
  const cells = rows.map((row) => row.map(visible));
  const widths = header.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[], dress: (cell: string, column: number) => string) =>
    row
      .map((cell, column) => {
        const last = column === row.length - 1;
        const padding = last ? '' : ' '.repeat((widths[column] as number) - cell.length + 2);
        return dress(cell, column) + padding;
      })
      .join('')
      .trimEnd();
  const head = line(
    header.map((name) => name.toUpperCase()),
    (cell) => style(cell, 'dim'),
  );
  const body = cells.map((row, index) => line(row, (cell, column) => paint(cell, column, index)));
  return `${[head, ...body].join('\n')}\n`;
}

/** `name: value` lines, values in one column. */
export function facts(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length)) + 2;
  return pairs.map(([name, value]) => `${`${name}:`.padEnd(width)}${visible(value)}\n`).join('');
}
