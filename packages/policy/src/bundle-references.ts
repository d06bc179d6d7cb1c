import { flowsTo, type Label } from '@provability-fabric/kernel';
import { releaseProblem } from './checks/flow/release-problem.ts';
import { MAX_FIELDS, MAX_PLACES, resultPlaces } from './checks/flow/result-places.ts';
import { isUnsatisfiable } from './checks/holds/rules.ts';
import { ruleOf } from './checks/holds/step.ts';
import { checkSecrets } from './checks/secrets/read-rules.ts';
import { AUTOMATA_FORMAT } from './checks/trace/automaton.ts';
import { automataProblems } from './checks/trace/automaton-problems.ts';
import type { CompiledBundle, Source, ToolRule } from './compiled-bundle.ts';
import { checkHandles } from './handles/read-handles.ts';
import { malformed } from './structure.ts';

/** Every name used in the bundle is declared in it, once; every automaton can run. */
export function checkReferences(bundle: CompiledBundle): void {
  checkTools(bundle);
  checkClauses(bundle);
  checkAutomata(bundle);
  checkHandles(bundle);
  checkSecrets(bundle);
}

function checkTools({ tools, stores, constants }: CompiledBundle): void {
  for (const [tool, { size }] of resultPlaces(tools)) {
    if (size > MAX_PLACES) malformed('bundle.tools', `at most ${MAX_PLACES} fields named of one tool`, tool);
  }
  for (const [name, rule] of Object.entries(tools)) {
    checkFields(name, rule);
    for (const [pointer, parameter] of Object.entries(rule.parameters)) {
      const where = `bundle.tools.${name}.parameters.${pointer}`;
      for (const store of parameter.stores ?? []) {
        if (!Object.hasOwn(stores, store)) malformed(`${where}.stores`, 'a store of the bundle', store);
      }
      for (const source of [...(parameter.from ?? []), ...parameter.endorse]) checkSource(source, where);
      if (parameter.member_of !== null) checkTool(parameter.member_of.tool, where);
    }
  }

  function checkSource(source: Source, where: string): void {
    if (source.kind === 'constant' && !Object.hasOwn(constants, source.set)) {
      malformed(where, 'a set of constants of the bundle', source.set);
    }
    if (source.kind === 'result') checkTool(source.tool, where);
  }

  function checkTool(tool: string, where: string): void {
    if (!Object.hasOwn(tools, tool) && !Object.hasOwn(tools, '*')) {
      malformed(where, 'a tool of the bundle', tool);
    }
  }
}

/** A field carries at most what the whole does: a result of another shape than expected is then labelled too high. */
function checkFields(name: string, { fields, returns }: ToolRule): void {
  const pointers = Object.keys(fields);
  const where = `bundle.tools.${name}.fields`;
  if (pointers.length > MAX_FIELDS) malformed(where, `at most ${MAX_FIELDS} fields`, pointers.length);
  for (const [pointer, label] of Object.entries(fields)) {
    if (pointer === '' || returns === null || !flowsTo(label as Label, returns as Label)) {
      malformed(`${where}.${pointer}`, 'a label that flows to that of the whole', pointer);
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
    const problem = clause.kind === 'release' ? releaseProblem(clause) : undefined;
    if (problem !== undefined) malformed(`bundle.clauses[${index}]`, problem.expected, clause.id);
    const asked = ruleOf(clause);
    if (asked !== undefined && isUnsatisfiable(asked))
      malformed(`bundle.clauses[${index}]`, 'at least as many approvers as approvals', clause.id);
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
  for (const [index, { clause }] of automata.entries()) {
    const where = `bundle.automata.automata[${index}].clause`;
    if (clause !== wanted[index]?.id) malformed(where, `the clause ${wanted[index]?.id}`, clause);
  }
  const [problem] = automataProblems({ format: AUTOMATA_FORMAT, automata });
  if (problem === undefined) return;
  const where = `bundle.automata of the clause ${problem.clause}`;
  malformed(where, 'automata that can run', `${problem.code}: ${problem.message}`);
}
