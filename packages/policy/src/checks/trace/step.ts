import type { JsonValue } from '@provability-fabric/kernel';
import type { TraceClause } from '../../compiled-bundle.ts';
import { membership } from '../../event-class.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Check, Event, Finding, OutcomeEvent, Ruling } from '../check.ts';
import { againstClause } from '../findings.ts';
import type { LetterClass, TraceAutomaton, Transition } from './automaton.ts';
import { isStay, type RunningAutomaton } from './run-automaton.ts';

/** Where each automaton stands, in the bundle's order. */
export interface TraceState {
  readonly states: readonly number[];
  /** What was counted, or the session time that a deadline ends at; 0 where there is nothing to remember. */
  readonly registers: readonly number[];
  /** By the certificate of an event without an outcome: the automata that its `done` would move, each with its letter. */
  readonly waiting: ReadonlyMap<string, readonly Waiting[]>;
}

interface Waiting {
  readonly automaton: number;
  readonly letter: number;
}

/** An obligation whose time has passed. */
export interface Overdue {
  readonly clause: string;
  /** Session time in ms at which it ought to have been met. */
  readonly since: number;
}

/**
 * History: one small automaton per trace clause. Prohibitions advance when an event is allowed, so an ambiguous outcome
 * counts as happened; permissions advance on the outcome `done` alone.
 */
export const trace = {
  init: ({ automata }: LoadedBundle): TraceState => ({
    states: automata.all.map(({ automaton }) => automaton.initial),
    registers: automata.all.map(() => 0),
    waiting: new Map(),
  }),
  describe: ({ states, registers, waiting }: TraceState): JsonValue => [
    states,
    registers,
    [...waiting].map(([certificate, own]) => [
      certificate,
      own.map(({ automaton, letter }) => [automaton, letter]),
    ]),
  ],
  onIntent(bundle, _facts, state, event): Ruling<TraceState> {
    const found: { readonly finding: Finding; readonly isOverdue: boolean }[] = [];
    let isDue = false;
    const move = new Move(state);
    for (const index of bundle.automata.concerning(event.intent.action.target)) {
      const running = bundle.automata.all[index] as RunningAutomaton;
      const taken = askedTransition(running, state, index, event);
      const { transition, letter, overdueSince } = taken;
      if (transition.violation !== null) {
        const witness = witnessOf(running.automaton, transition, letter, overdueSince);
        const finding = againstClause(clauseOf(bundle, running), transition.violation, witness);
        found.push({ finding, isOverdue: running.isOverdue(transition.from) });
      } else {
        isDue ||= running.isOverdue(transition.from) && clauseOf(bundle, running).mode === 'enforce';
        move.asked(running, index, taken, event);
      }
    }
    // What one overdue obligation waits for, another does not refuse: two of them would lock the session for good.
    const findings = found.flatMap(({ finding, isOverdue }) => (isDue && isOverdue ? [] : [finding]));
    return { findings, next: move.result() };
  },
  /** `ambiguous` moves nothing: what was asked for waits until somebody knows. */
  onOutcome(
    bundle: LoadedBundle,
    state: TraceState,
    { certificate, outcome }: Pick<OutcomeEvent, 'certificate' | 'outcome'>,
    time: number,
  ): TraceState {
    const own = state.waiting.get(certificate);
    if (own === undefined || outcome === 'ambiguous') return state;
    const move = new Move(state);
    move.waiting().delete(certificate);
    if (outcome === 'done') {
      for (const { automaton: index, letter } of own) {
        const running = bundle.automata.all[index] as RunningAutomaton;
        move.take(running, index, running.done(standingAt(running, state, index, time), letter), time);
      }
    }
    return move.result();
  },
  /** What is overdue from now on, each obligation once: the state remembers that it was said. */
  onTick(bundle: LoadedBundle, state: TraceState, time: number) {
    const overdue: Overdue[] = [];
    const states = [...state.states];
    for (const index of bundle.automata.timed) {
      const running = bundle.automata.all[index] as RunningAutomaton;
      const since = state.registers[index] as number;
      const next = running.passed(states[index] as number);
      if (next === undefined || time <= since || next === states[index]) continue;
      states[index] = next;
      overdue.push({ clause: running.automaton.clause, since });
    }
    return { overdue, next: overdue.length === 0 ? state : { ...state, states } };
  },
  /** The session time after which the next tick has something to say; undefined where nothing is running. */
  nextDeadline({ automata }: LoadedBundle, { states, registers }: TraceState): number | undefined {
    let first: number | undefined;
    for (const index of automata.timed) {
      const at = states[index] as number;
      const next = (automata.all[index] as RunningAutomaton).passed(at);
      if (next === undefined || next === at) continue;
      first = Math.min(first ?? Number.MAX_SAFE_INTEGER, registers[index] as number);
    }
    return first;
  },
} satisfies Check<TraceState> & Record<string, unknown>;

export interface Asked {
  readonly transition: Transition;
  readonly letter: number;
  /** Set where the event comes after a deadline that has passed. */
  readonly overdueSince: number | null;
}

/** What an event that is asked for meets in one automaton. */
export function askedTransition(
  running: RunningAutomaton,
  state: TraceState,
  index: number,
  event: Event,
): Asked {
  const { register, classes } = running.automaton;
  const value = state.registers[index] as number;
  const letter = letterOf(classes, event);
  const full = register?.kind === 'counter' && value >= register.most;
  const transition = running.asked(standingAt(running, state, index, event.time), letter, full);
  return { transition, letter, overdueSince: register?.kind === 'deadline' && value > 0 ? value : null };
}

/** What comes after a deadline meets the state after it, whether or not a tick has come in between. */
function standingAt(running: RunningAutomaton, state: TraceState, index: number, time: number): number {
  const at = state.states[index] as number;
  const isLate = running.automaton.register?.kind === 'deadline' && time > (state.registers[index] as number);
  return (isLate ? running.passed(at) : undefined) ?? at;
}

function letterOf(classes: readonly LetterClass[], event: Event): number {
  let letter = 0;
  for (const [index, { on, unknown }] of classes.entries()) {
    const found = membership(on, event);
    if (found === 'in' || (found === 'unknown' && unknown === 'in')) letter |= 1 << index;
  }
  return letter;
}

/** Copies of what changes, made when it does. */
class Move {
  readonly #before: TraceState;
  #states: number[] | undefined;
  #registers: number[] | undefined;
  #waiting: Map<string, readonly Waiting[]> | undefined;

  constructor(before: TraceState) {
    this.#before = before;
  }

  asked(running: RunningAutomaton, index: number, { transition, letter }: Asked, event: Event): void {
    const at = this.#before.states[index] as number;
    // A deadline's passing is a tick's to record: the state must still say that nobody has been told.
    if (!isStay(transition)) this.take(running, index, transition, event.time);
    if (isStay(running.done((this.#states?.[index] ?? at) as number, letter))) return;
    const certificate = event.intent.certificate_id;
    const waiting = this.waiting();
    waiting.set(certificate, [...(waiting.get(certificate) ?? []), { automaton: index, letter }]);
  }

  take({ automaton: { register } }: RunningAutomaton, index: number, taken: Transition, time: number): void {
    if (isStay(taken)) return;
    this.#states ??= [...this.#before.states];
    this.#states[index] = taken.to;
    if (taken.action === 'forget' || taken.action === 'start') this.#forget(index);
    if (taken.action === null || taken.action === 'forget') return;
    this.#registers ??= [...this.#before.registers];
    const before = this.#registers[index] as number;
    if (taken.action === 'count') this.#registers[index] = before + 1;
    if (taken.action === 'clear') this.#registers[index] = 0;
    if (taken.action === 'start' && register?.kind === 'deadline')
      this.#registers[index] = Math.min(time + register.within_ms, Number.MAX_SAFE_INTEGER);
  }

  waiting(): Map<string, readonly Waiting[]> {
    this.#waiting ??= new Map(this.#before.waiting);
    return this.#waiting;
  }

  result(): TraceState {
    if (this.#states === undefined && this.#waiting === undefined) return this.#before;
    return {
      states: this.#states ?? this.#before.states,
      registers: this.#registers ?? this.#before.registers,
      waiting: this.#waiting ?? this.#before.waiting,
    };
  }

  #forget(index: number): void {
    for (const [certificate, own] of this.#waiting ?? this.#before.waiting) {
      const kept = own.filter(({ automaton }) => automaton !== index);
      if (kept.length === own.length) continue;
      if (kept.length > 0) this.waiting().set(certificate, kept);
      else this.waiting().delete(certificate);
    }
  }
}

/** For operators: where the automaton stood, and what was overdue since when. */
function witnessOf(
  { classes }: TraceAutomaton,
  { from }: Transition,
  letter: number,
  overdueSince: number | null,
): JsonValue {
  const known = classes.map((_, index) => index).filter((index) => (letter & (1 << index)) !== 0);
  return {
    automaton_state: from,
    classes: known,
    ...(overdueSince === null ? {} : { overdue_since: overdueSince }),
  };
}

function clauseOf(bundle: LoadedBundle, { automaton }: RunningAutomaton): TraceClause {
  return bundle.clauses.get(automaton.clause) as TraceClause;
}
