import type { EventClass } from '../../event-class.ts';

/** The exported automata (`artifact/dfa.json`): one small deterministic automaton per trace clause, over event classes. */
export interface AutomataDocument {
  readonly format: typeof AUTOMATA_FORMAT;
  readonly automata: readonly TraceAutomaton[];
}

export const AUTOMATA_FORMAT = 'provability-fabric/dfa/v2';

/**
 * A letter is the set of `classes` that an event is in. Every state accepts, and what is not accepted is a transition that
 * is a violation and leads nowhere: the language is closed under prefixes by its form.
 */
export interface TraceAutomaton {
  readonly clause: string;
  readonly initial: number;
  readonly states: number;
  readonly classes: readonly LetterClass[];
  readonly register: Register | null;
  /** For each state, point and letter exactly one. */
  readonly transitions: readonly Transition[];
}

export interface LetterClass {
  readonly on: EventClass;
  /** Where an event that cannot be told belongs: `in` what restricts, `out` of what permits. */
  readonly unknown: 'in' | 'out';
}

/** The one thing that an automaton remembers beside its state. */
export type Register =
  /** How many were counted; never above `most`. */
  | { readonly kind: 'counter'; readonly most: number }
  /** Session time in ms up to which, edge included, the state may be left by `done` alone. */
  | { readonly kind: 'deadline'; readonly within_ms: number };

export interface Transition {
  readonly from: number;
  /** `asked`: an event that is allowed. `done`: its outcome. `deadline`: the register's time has passed. */
  readonly at: TransitionPoint;
  /** Classes that the letter has, and such that it has not. */
  readonly in: readonly number[];
  readonly not_in: readonly number[];
  /** Only if the counter has reached its most, or has not; null where that makes no difference. */
  readonly full: boolean | null;
  readonly to: number;
  readonly action: TransitionAction | null;
  readonly violation: TraceViolation | null;
}

export type TransitionPoint = 'asked' | 'done' | 'deadline';
export type TransitionAction =
  | 'count'
  /** The deadline is `within_ms` from now, and what was asked for before does not count as done any more. */
  | 'start'
  | 'clear'
  /** What was asked for before does not count as done any more. */
  | 'forget';
export type TraceViolation = 'TRACE_FORBIDDEN' | 'TRACE_OBLIGATION';

/** Sizes that the runtime answers for. */
export const MAX_LETTER_CLASSES = 4;
export const MAX_AUTOMATON_STATES = 16;
