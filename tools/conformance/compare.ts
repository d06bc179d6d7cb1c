import type { Check, SuiteResult } from './suite.ts';

export interface ScenarioComparison {
  readonly scenario: string;
  readonly without: readonly Check[];
  readonly with_: readonly Check[];
  readonly isSame: boolean;
}

/** Scenario by scenario, check by check: what one finds and the other does not is a difference too. */
export function compare(without: SuiteResult, with_: SuiteResult): ScenarioComparison[] {
  const scenarios = [...new Set([...without.keys(), ...with_.keys()])].sort();
  return scenarios.map((scenario) => {
    const first = without.get(scenario) ?? [];
    const second = with_.get(scenario) ?? [];
    return {
      scenario,
      without: first,
      with_: second,
      isSame: first.length > 0 && JSON.stringify(first) === JSON.stringify(second),
    };
  });
}

export function table(comparisons: readonly ScenarioComparison[]): string {
  const rows = comparisons.map(({ scenario, without, with_, isSame }) => [
    scenario,
    summary(without),
    summary(with_),
    isSame ? 'same' : 'DIFFERENT',
  ]);
  const all = [['scenario', 'without the fabric', 'with the fabric', ''], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function differences({ without, with_ }: ScenarioComparison): string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.max(without.length, with_.length); at++) {
    const [first, second] = [without[at], with_[at]].map((check) =>
      check === undefined ? 'nothing' : `${check.id} ${check.status} ${check.problem}`.trim(),
    );
    if (first !== second) lines.push(`  without: ${first}`, `  with:    ${second}`);
  }
  return lines;
}

function summary(checks: readonly Check[]): string {
  const counts = new Map<string, number>();
  for (const { status } of checks) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status.toLowerCase()}`).join(', ') || 'nothing';
}
