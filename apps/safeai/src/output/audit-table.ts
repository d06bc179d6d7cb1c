import { type Style, table } from '@provability-fabric/command-line';

const HASH = 12;

/** One line a record. Whatever a member holds is shown as text: a log may have been tampered with. */
export function auditTable(records: readonly object[], style: Style): string {
  const header = ['index', 'time', 'actor', 'what', 'verdict', 'applied', 'manifest', 'error'];
  const rows = records.map((record) => {
    const { index, ts, actor, kind, policy_verdict, applied, manifest_sha256, error } = record as Readonly<
      Record<string, unknown>
    >;
    return [
      shown(index),
      shown(ts),
      shown(actor),
      shown(kind),
      verdictOf(policy_verdict),
      applied === true ? 'yes' : applied === false ? 'no' : '-',
      typeof manifest_sha256 === 'string' ? manifest_sha256.slice(0, HASH) : '-',
      shown(error),
    ];
  });
  return table(header, rows, style, (cell, column) => {
    if (column === 4 && cell === 'blocked') return style(cell, 'bad');
    return column === 5 && cell === 'yes' ? style(cell, 'good') : cell;
  });
}

/** The original keeps an object there, with the verdict as its member. */
function verdictOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return shown(value);
  return shown((value as { readonly verdict?: unknown }).verdict);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
