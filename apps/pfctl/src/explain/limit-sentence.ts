import { formatDuration } from '@provability-fabric/configuration';
import type { LimitClause } from '@provability-fabric/policy';
import { classPhrase } from './event-class.ts';

/** What a limit allows, in a sentence. */
export function limitSentence(clause: LimitClause): string {
  const { on, window_ms: window, tolerance_ms: tolerance, per, unit } = clause;
  const span = window === null ? '' : ` within ${formatDuration(window)}`;
  const widened = tolerance === 0 ? '' : ` (widened by ${formatDuration(tolerance)} of clock tolerance)`;
  const what =
    unit === undefined ? `${clause.max} of` : `${limitAmount(clause, clause.max)} ${unit} taken by`;
  const whose =
    per === undefined ? (window === null ? ' in a whole session' : ' per session') : ` per ${per}`;
  return `at most ${what} ${classPhrase(on)}${whose}${span}${widened}`;
}

/** As the author wrote it: cost and epsilon are kept in micro-units. */
export function limitAmount({ unit }: Pick<LimitClause, 'unit'>, amount: number): string {
  if (unit === undefined || unit === 'bytes') return `${amount}`;
  const digits = `${amount}`.padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '');
}
