import type { LimitClause, SharedLimitClause } from '../../compiled-bundle.ts';
import { matches } from '../../event-class.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Check, Event, Finding } from '../check.ts';
import { againstClause } from '../findings.ts';
import { amountOf } from './amounts.ts';
import { charge, describeWindow, emptyWindow, usedAt, type Window } from './window.ts';

/** One window for each limit of the session's own. */
export type LimitsState = readonly Window[];

/**
 * How much: sliding windows and budgets. What is counted for more than this session is no state of it: how much others
 * had taken comes with the event, as a fact on record.
 */
export const limits: Check<LimitsState> = {
  init: (bundle) => bundle.limits.map(emptyWindow),
  describe: (state) => state.map(describeWindow),
  onIntent(bundle, _facts, state, event) {
    const findings: Finding[] = [];
    let next: Window[] | undefined;
    for (const [index, clause] of bundle.limits.entries()) {
      if (!matches(clause.on, event)) continue;
      const amount = amountOf(bundle, clause, event);
      if (amount === 0) continue;
      const window = state[index] as Window;
      const { used, first } = usedAt(window, clause, event.time);
      if (amount === null || used + amount > clause.max) {
        findings.push(exceeded(clause, used, amount));
        continue;
      }
      next ??= [...state];
      next[index] = charge(bundle.crypto, window, amount, event.time, first);
    }
    findings.push(...sharedFindings(bundle, event));
    return { findings, next: next ?? state };
  },
};

function* sharedFindings(bundle: LoadedBundle, event: Event): Generator<Finding> {
  for (const clause of bundle.sharedLimits) {
    if (!matches(clause.on, event)) continue;
    const amount = amountOf(bundle, clause, event);
    if (amount === 0) continue;
    if (amount === null || amount > clause.max) {
      yield exceeded(clause, null, amount);
      continue;
    }
    const fact = event.intent.usage?.find((known) => known.clause === clause.id);
    if (fact === undefined) {
      const problem = 'expected what others have taken of this limit as a fact of the input, came none';
      yield againstClause(clause, 'EVAL_ERROR', { problem, per: clause.per }, 'error');
    } else if (fact.used + amount > clause.max) yield exceeded(clause, fact.used, amount);
  }
}

function exceeded(
  clause: LimitClause | SharedLimitClause,
  used: number | null,
  amount: number | null,
): Finding {
  const { max, window_ms, per = 'session', unit = 'calls' } = clause;
  if (clause.per === undefined && clause.unit === undefined)
    return againstClause(clause, 'LIMIT_EXCEEDED', { counted: used, max, window_ms });
  const code = window_ms === null ? 'BUDGET_EXCEEDED' : 'LIMIT_EXCEEDED';
  return againstClause(clause, code, { used, amount, max, window_ms, per, unit });
}
