import type { TraceAutomaton, TraceClause } from '../../compiled-bundle.ts';
import { matches } from '../../event-class.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Check, Event, Finding } from '../check.ts';
import { againstClause } from '../findings.ts';

/** The current state of each automaton, in the bundle's order. */
export type TraceState = readonly number[];

/** History: one small automaton per trace clause. Prohibitions advance on the intent, so an ambiguous outcome counts as happened. */
export const trace: Check<TraceState> = {
  init: (bundle) => bundle.ir.automata.automata.map((automaton) => automaton.initial),
  describe: (state) => state,
  onIntent(bundle, _facts, state, event) {
    const findings: Finding[] = [];
    let moved = false;
    const next = bundle.ir.automata.automata.map((automaton, index) => {
      const at = state[index] ?? automaton.initial;
      const taken = transition(automaton, at, event);
      if (taken === undefined) return at;
      if (taken.violation) {
        findings.push(againstClause(clauseOf(bundle, automaton), 'TRACE_FORBIDDEN', { automaton_state: at }));
        return at;
      }
      moved ||= taken.to !== at;
      return taken.to;
    });
    return { findings, next: moved ? next : state };
  },
};

function transition(automaton: TraceAutomaton, at: number, event: Event) {
  return automaton.transitions.find((candidate) => candidate.from === at && matches(candidate.on, event));
}

function clauseOf(bundle: LoadedBundle, automaton: TraceAutomaton): TraceClause {
  return bundle.clauses.get(automaton.clause) as TraceClause;
}
