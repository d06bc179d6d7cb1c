import type { AutomataDocument, TraceAutomaton, Transition, TransitionPoint } from './automaton.ts';
import { takes } from './automaton-problems.ts';

/** An automaton as tables: what happens is one look-up. */
export interface RunningAutomaton {
  readonly automaton: TraceAutomaton;
  asked(state: number, letter: number, full: boolean): Transition;
  done(state: number, letter: number): Transition;
  /** Where the state leads once its deadline has passed; undefined where none runs. */
  passed(state: number): number | undefined;
  /** Whether what had to be done in time was not: all but that is refused. */
  isOverdue(state: number): boolean;
}

export interface RunningAutomata {
  readonly all: readonly RunningAutomaton[];
  /** Those that an event of this target can concern. */
  concerning(target: string): readonly number[];
  /** Those with a deadline. */
  readonly timed: readonly number[];
}

/** `document` has no problems. */
export function runAutomata(document: AutomataDocument): RunningAutomata {
  const all = document.automata.map(runAutomaton);
  const everywhere: number[] = [];
  const named = new Map<string, number[]>();
  for (const [index, { automaton }] of all.entries()) {
    const tools = toolsOf(automaton);
    if (tools === undefined) everywhere.push(index);
    for (const tool of tools ?? []) {
      const own = named.get(tool);
      if (own === undefined) named.set(tool, [index]);
      else own.push(index);
    }
  }
  const ascending = (indexes: readonly number[]) => indexes.toSorted((a, b) => a - b);
  const concerned = new Map([...named].map(([tool, own]) => [tool, ascending([...own, ...everywhere])]));
  const timed = all.flatMap(({ automaton }, index) =>
    automaton.register?.kind === 'deadline' ? [index] : [],
  );
  return { all, timed, concerning: (target) => concerned.get(target) ?? everywhere };
}

function runAutomaton(automaton: TraceAutomaton): RunningAutomaton {
  const { states, classes } = automaton;
  const letters = 2 ** classes.length;
  const table = (at: TransitionPoint, full: boolean) =>
    Array.from({ length: states * letters }, (_, cell) => {
      const from = automaton.transitions.filter(
        (each) => each.at === at && each.from === Math.floor(cell / letters),
      );
      return from.find((each) => takes(each, cell % letters, full)) as Transition;
    });
  const below = table('asked', false);
  const most = automaton.register?.kind === 'counter' ? table('asked', true) : below;
  const done = table('done', false);
  const passed = new Map(
    automaton.transitions.filter(({ at }) => at === 'deadline').map(({ from, to }) => [from, to]),
  );
  const overdue = new Set(
    automaton.transitions.filter(({ violation }) => violation === 'TRACE_OBLIGATION').map(({ from }) => from),
  );
  return {
    automaton,
    isOverdue: (state) => overdue.has(state),
    asked: (state, letter, full) => (full ? most : below)[state * letters + letter] as Transition,
    done: (state, letter) => done[state * letters + letter] as Transition,
    passed: (state) => passed.get(state),
  };
}

/** The only tools whose events can move or violate it; undefined where others can. */
function toolsOf({ classes, transitions }: TraceAutomaton): ReadonlySet<string> | undefined {
  const outside = transitions.some(
    (transition) =>
      transition.at === 'asked' && !isStay(transition) && takes(transition, 0, transition.full ?? false),
  );
  const tools = classes.map(({ on }) => on.tools);
  if (outside || tools.some((names) => names === null)) return undefined;
  return new Set(tools.flatMap((names) => names ?? []));
}

/** Whether taking it changes nothing. */
export function isStay({ from, to, action, violation }: Transition): boolean {
  return from === to && action === null && violation === null;
}
