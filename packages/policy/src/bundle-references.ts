import type { CompiledBundle, Source } from './compiled-bundle.ts';
import { malformed } from './structure.ts';

/** Every name used in the bundle is declared in it, once; every automaton stays within its states. */
export function checkReferences(bundle: CompiledBundle): void {
  checkTools(bundle);
  checkClauses(bundle);
  checkAutomata(bundle);
}

function checkTools({ tools, stores, constants }: CompiledBundle): void {
  for (const [name, rule] of Object.entries(tools)) {
    for (const [pointer, parameter] of Object.entries(rule.parameters)) {
      const where = `bundle.tools.${name}.parameters.${pointer}`;
      for (const store of parameter.stores ?? []) {
        if (!Object.hasOwn(stores, store)) malformed(`${where}.stores`, 'a store of the bundle', store);
      }
      for (const source of [...(parameter.from ?? []), ...parameter.endorse]) checkSource(source, where);
    }
  }

  function checkSource(source: Source, where: string): void {
    if (source.kind === 'constant' && !Object.hasOwn(constants, source.set)) {
      malformed(where, 'a set of constants of the bundle', source.set);
    }
    if (source.kind === 'result' && !Object.hasOwn(tools, source.tool) && !Object.hasOwn(tools, '*')) {
      malformed(where, 'a tool of the bundle', source.tool);
    }
  }
}

function checkClauses({ clauses, assurance, default_mode: mode }: CompiledBundle): void {
  const seen = new Set<string>();
  if (assurance === 'high' && mode !== 'enforce')
    malformed('bundle.default_mode', 'enforce under high assurance', mode);
  for (const [index, clause] of clauses.entries()) {
    if (seen.has(clause.id))
      malformed(`bundle.clauses[${index}].id`, 'an id that no other clause has', clause.id);
    seen.add(clause.id);
    if (assurance === 'high' && clause.mode !== 'enforce') {
      malformed(`bundle.clauses[${index}].mode`, 'enforce under high assurance', clause.mode);
    }
  }
}

/**
 * One automaton per trace clause, in the clauses' order: a missing one would forget its clause without a
 * word.
 */
function checkAutomata({ clauses, automata: { automata } }: CompiledBundle): void {
  const wanted = clauses.filter((clause) => clause.kind === 'trace');
  if (automata.length !== wanted.length) {
    malformed('bundle.automata', `${wanted.length} automata, one for each trace clause`, automata.length);
  }
  for (const [index, automaton] of automata.entries()) {
    const where = `bundle.automata.automata[${index}]`;
    const { clause, initial, states, transitions } = automaton;
    if (clause !== wanted[index]?.id) malformed(`${where}.clause`, `the clause ${wanted[index]?.id}`, clause);
    if (initial >= states) malformed(`${where}.initial`, 'a state of the automaton', initial);
    for (const { from, to, violation } of transitions) {
      if (from >= states) malformed(`${where}.transitions`, 'a state of the automaton', from);
      if (to >= states || (violation && to !== from)) {
        malformed(`${where}.transitions`, 'a state of the automaton, the same one for a violation', to);
      }
    }
  }
}
