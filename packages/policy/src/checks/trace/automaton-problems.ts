import {
  type AutomataDocument,
  MAX_AUTOMATON_STATES,
  MAX_LETTER_CLASSES,
  type TraceAutomaton,
  type Transition,
} from './automaton.ts';

export interface AutomatonProblem {
  readonly clause: string;
  readonly code: AutomatonProblemCode;
  readonly message: string;
}

export type AutomatonProblemCode =
  | 'SIZE'
  | 'REFERENCE'
  | 'DETERMINISM'
  | 'TOTALITY'
  | 'REACHABILITY'
  | 'PREFIX_CLOSURE'
  | 'REGISTER'
  | 'DUPLICATE';

/** Everything that keeps a document of the right shape from being automata that can run; nothing is taken on trust. */
export function* automataProblems({ automata }: AutomataDocument): Generator<AutomatonProblem> {
  const seen = new Set<string>();
  for (const automaton of automata) {
    const { clause } = automaton;
    if (seen.has(clause))
      yield { clause, code: 'DUPLICATE', message: 'expected one automaton for each clause, came another' };
    seen.add(clause);
    for (const [code, message] of problemsOf(automaton)) yield { clause, code, message };
  }
}

type Found = readonly [AutomatonProblemCode, string];

function* problemsOf(automaton: TraceAutomaton): Generator<Found> {
  const size = sizeProblem(automaton);
  if (size !== undefined) return yield size;
  const references = [...referenceProblems(automaton)];
  yield* references;
  // What names nothing cannot be followed.
  if (references.length > 0) return;
  for (const transition of automaton.transitions) {
    yield* closureProblems(transition);
    yield* registerProblems(automaton, transition);
  }
  yield* letterProblems(automaton);
  yield* reachabilityProblems(automaton);
}

function sizeProblem({ states, classes, transitions }: TraceAutomaton): Found | undefined {
  if (states > MAX_AUTOMATON_STATES)
    return ['SIZE', `expected at most ${MAX_AUTOMATON_STATES} states, came \`${states}\``];
  if (classes.length > MAX_LETTER_CLASSES)
    return ['SIZE', `expected at most ${MAX_LETTER_CLASSES} classes, came \`${classes.length}\``];
  // For each state and letter: asked with the counter below and at its most, done; and one deadline for each state.
  const most = states * (3 * 2 ** classes.length + 1);
  return transitions.length > most
    ? ['SIZE', `expected at most ${most} transitions, came \`${transitions.length}\``]
    : undefined;
}

function* referenceProblems({ initial, states, classes, transitions }: TraceAutomaton): Generator<Found> {
  if (initial >= states)
    yield ['REFERENCE', `expected an initial state below ${states}, came \`${initial}\``];
  for (const { from, to, in: has, not_in: lacks } of transitions) {
    for (const state of [from, to])
      if (state >= states) yield ['REFERENCE', `expected a state below ${states}, came \`${state}\``];
    for (const index of [...has, ...lacks])
      if (index >= classes.length)
        yield ['REFERENCE', `expected a class below ${classes.length}, came \`${index}\``];
  }
}

function* closureProblems({ from, at, to, action, violation }: Transition): Generator<Found> {
  if (violation === null) return;
  if (to !== from || action !== null)
    yield ['PREFIX_CLOSURE', `expected a violation to move nothing, came one from state ${from} that does`];
  if (at !== 'asked')
    yield ['PREFIX_CLOSURE', `expected a violation only where an event is asked for, came one at \`${at}\``];
}

function* registerProblems({ register }: TraceAutomaton, transition: Transition): Generator<Found> {
  const { at, full, action, in: has, not_in: lacks } = transition;
  const kind = register?.kind;
  if (at === 'deadline') {
    if (kind !== 'deadline')
      yield ['REGISTER', 'expected a deadline to pass only in an automaton that has one'];
    if (has.length + lacks.length > 0 || full !== null || action !== null)
      yield ['REGISTER', 'expected the passing of a deadline to depend on no letter and to do nothing else'];
    return;
  }
  if (full !== null && (kind !== 'counter' || at !== 'asked'))
    yield ['REGISTER', 'expected `full` only where an automaton with a counter is asked'];
  if (action === 'count' && (kind !== 'counter' || full !== false))
    yield ['REGISTER', 'expected `count` only below the most of a counter'];
  if ((action === 'start' || action === 'clear') && kind !== 'deadline')
    yield ['REGISTER', `expected \`${action}\` only in an automaton with a deadline`];
}

function* letterProblems({ states, classes, register, transitions }: TraceAutomaton): Generator<Found> {
  const letters = 2 ** classes.length;
  for (let state = 0; state < states; state += 1) {
    const from = transitions.filter((transition) => transition.from === state);
    for (const at of ['asked', 'done'] as const) {
      for (const full of register?.kind === 'counter' && at === 'asked' ? [false, true] : [false]) {
        for (let letter = 0; letter < letters; letter += 1) {
          const taken = from.filter((each) => each.at === at && takes(each, letter, full)).length;
          if (taken === 1) continue;
          const where = `from state ${state} at \`${at}\` for ${letterText(letter, classes.length)}`;
          yield taken === 0
            ? ['TOTALITY', `expected a transition ${where}, came none`]
            : ['DETERMINISM', `expected one transition ${where}, came ${taken}`];
        }
      }
    }
    const passing = from.filter(({ at }) => at === 'deadline').length;
    if (passing > 1)
      yield ['DETERMINISM', `expected one transition from state ${state} at its deadline, came ${passing}`];
  }
}

/** Whether the transition is the one for a letter: bit n says that the event is in class n. */
export function takes(transition: Transition, letter: number, full: boolean): boolean {
  if (transition.full !== null && transition.full !== full) return false;
  const has = (index: number) => (letter & (1 << index)) !== 0;
  return transition.in.every(has) && !transition.not_in.some(has);
}

function letterText(letter: number, classes: number): string {
  const members = Array.from({ length: classes }, (_, index) => index).filter(
    (n) => (letter & (1 << n)) !== 0,
  );
  return members.length === 0 ? 'an event of no class' : `an event of class ${members.join(' and ')}`;
}

function* reachabilityProblems({ initial, states, transitions }: TraceAutomaton): Generator<Found> {
  const reached = new Set([initial]);
  for (const state of reached) for (const { from, to } of transitions) if (from === state) reached.add(to);
  for (let state = 0; state < states; state += 1)
    if (!reached.has(state))
      yield ['REACHABILITY', `expected every state to be reached, came state ${state}, which is not`];
}
