import { AUTOMATA_FORMAT, type AutomataDocument, type Clause } from '@provability-fabric/policy';
import { machineOf } from './trace/machine.ts';
import { minimise } from './trace/minimise.ts';
import { automatonFrom } from './trace/symbolic.ts';

/** One automaton per trace clause, in the clauses' order. */
export function compileAutomata(clauses: readonly Clause[]): AutomataDocument {
  return {
    format: AUTOMATA_FORMAT,
    automata: clauses
      .filter((clause) => clause.kind === 'trace')
      .map(({ id, pattern }) => automatonFrom(id, minimise(machineOf(pattern)))),
  };
}
