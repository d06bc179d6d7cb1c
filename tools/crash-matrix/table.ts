import type { Case, Tally } from './case.ts';

const WIDTHS = [21, 84, 8, 8, 8, 18, 7] as const;
const TITLES = [
  'case',
  'fault',
  'points',
  'answered',
  'restarts',
  'in flight → ambig.',
  'ledger',
  'verdict',
] as const;

export function header(): string {
  const line = cells(TITLES);
  return `${line}\n${'-'.repeat(line.length)}`;
}

export function row(
  { name, fault }: Case,
  tally: Tally,
  { skipped, seconds }: { readonly skipped: string | undefined; readonly seconds: number },
): string {
  if (skipped !== undefined && tally.problems.length === 0)
    return cells([name, fault, '', '', '', '', '', `skipped: ${skipped}`]);
  const verdict = tally.problems.length === 0 ? 'ok' : `${tally.problems.length} FAILURES`;
  const { points, missed, answered, restarts, inFlight, ambiguous, ledgerEntries } = tally;
  const flight = `${inFlight} → ${ambiguous}`;
  return cells([
    name,
    fault,
    missed === 0 ? points : `${points - missed} of ${points}`.padStart(WIDTHS[2]),
    answered,
    restarts,
    flight,
    ledgerEntries,
    `${verdict} (${seconds.toFixed(0)} s)`,
  ]);
}

function cells(values: readonly (string | number)[]): string {
  return values
    .map((value, at) =>
      typeof value === 'number' ? `${value}`.padStart(WIDTHS[at] ?? 0) : `${value}`.padEnd(WIDTHS[at] ?? 0),
    )
    .join(' | ')
    .trimEnd();
}
