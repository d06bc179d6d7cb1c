import type {
  AutomataDocument,
  Clause,
  EventClass,
  TraceAutomaton,
  TraceClause,
} from '@provability-fabric/policy';

/** One automaton per trace clause, in the clauses' order. */
export function compileAutomata(clauses: readonly Clause[]): AutomataDocument {
  return {
    format: 'provability-fabric/dfa/v1',
    automata: clauses.filter((clause) => clause.kind === 'trace').map(automatonOf),
  };
}

function automatonOf({ id, pattern }: TraceClause): TraceAutomaton {
  switch (pattern.kind) {
    case 'never':
      return { clause: id, initial: 0, states: 1, transitions: [violation(0, pattern.never)] };
    case 'after_never': {
      // In state 0 `after` has not happened yet: an event that is both goes ahead once, and from then on it
      // is refused.
      const happens = { from: 0, on: pattern.after, to: 1, violation: false };
      return { clause: id, initial: 0, states: 2, transitions: [happens, violation(1, pattern.never)] };
    }
  }
}

function violation(state: number, on: EventClass): TraceAutomaton['transitions'][number] {
  return { from: state, on, to: state, violation: true };
}
