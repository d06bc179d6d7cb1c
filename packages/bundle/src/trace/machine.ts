import type { LetterClass, Register, TracePattern, Transition } from '@provability-fabric/policy';

/** What one letter does in one state: a transition without where it begins and what it is read from. */
export type Move = Pick<Transition, 'to' | 'action' | 'violation'>;

/** An automaton written out: a move for every state and letter. Bit n of a letter says that the event is in class n. */
export interface Machine {
  readonly classes: readonly LetterClass[];
  readonly register: Register | null;
  readonly initial: number;
  readonly states: readonly MachineState[];
}

export interface MachineState {
  /** By letter: below the counter's most, or where there is no counter. */
  readonly asked: readonly Move[];
  /** By letter: where the counter has reached its most. */
  readonly full: readonly Move[];
  /** By letter. */
  readonly done: readonly Move[];
  /** The state after the deadline; null where none runs. */
  readonly deadline: number | null;
}

/** One state of a pattern, in words: what an event that is in some of the classes does. */
interface Behaviour {
  readonly asked: (is: (index: number) => boolean, full: boolean) => Move;
  readonly done?: (is: (index: number) => boolean) => Move;
  readonly deadline?: number;
}

const goes = (to: number): Move => ({ to, action: null, violation: null });
const forbidden = (to: number): Move => ({ to, action: null, violation: 'TRACE_FORBIDDEN' });
const forgetting = (to: number): Move => ({ to, action: 'forget', violation: null });

/** What restricts takes in what cannot be told; what permits leaves it out. */
const restricts = (on: LetterClass['on']): LetterClass => ({ on, unknown: 'in' });
const permits = (on: LetterClass['on']): LetterClass => ({ on, unknown: 'out' });

export function machineOf(pattern: TracePattern): Machine {
  switch (pattern.kind) {
    case 'never':
      return machine([restricts(pattern.never)], null, [{ asked: (is) => (is(0) ? forbidden(0) : goes(0)) }]);
    case 'only_after':
      return machine([restricts(pattern.only), permits(pattern.after)], null, [
        { asked: (is) => (is(0) ? forbidden(0) : goes(0)), done: (is) => goes(is(1) ? 1 : 0) },
        { asked: () => goes(1) },
      ]);
    case 'after_never':
      return pattern.until === null
        ? machine([restricts(pattern.after), restricts(pattern.never)], null, [
            // An event of both goes ahead once: in state 0 nothing has happened yet.
            { asked: (is) => goes(is(0) ? 1 : 0) },
            { asked: (is) => (is(1) ? forbidden(1) : goes(1)) },
          ])
        : machine([restricts(pattern.after), restricts(pattern.never), permits(pattern.until)], null, [
            { asked: (is) => (is(0) ? forgetting(1) : goes(0)) },
            {
              asked: (is) => (is(1) ? forbidden(1) : is(0) ? forgetting(1) : goes(1)),
              // What begins it again does not end it.
              done: (is) => goes(is(2) && !is(0) ? 0 : 1),
            },
          ]);
    case 'at_most':
      return machine([restricts(pattern.of)], { kind: 'counter', most: pattern.most }, [
        {
          asked: (is, full) =>
            !is(0) ? goes(0) : full ? forbidden(0) : { to: 0, action: 'count', violation: null },
        },
      ]);
    case 'after_then': {
      const within_ms = pattern.within_ms - pattern.tolerance_ms;
      const met = (is: (index: number) => boolean, otherwise: number): Move =>
        is(1) ? { to: 0, action: 'clear', violation: null } : goes(otherwise);
      // What meets the obligation does not begin it, or it would never end.
      const begins = (is: (index: number) => boolean) => is(0) && !is(1);
      return machine([restricts(pattern.after), permits(pattern.response)], { kind: 'deadline', within_ms }, [
        { asked: (is) => (begins(is) ? { to: 1, action: 'start', violation: null } : goes(0)) },
        {
          asked: (is) => (begins(is) ? forgetting(1) : goes(1)),
          done: (is) => met(is, 1),
          deadline: 2,
        },
        {
          asked: (is) => (is(1) ? goes(2) : { to: 2, action: null, violation: 'TRACE_OBLIGATION' }),
          done: (is) => met(is, 2),
        },
      ]);
    }
  }
}

function machine(
  classes: readonly LetterClass[],
  register: Register | null,
  behaviours: readonly Behaviour[],
): Machine {
  const letters = Array.from({ length: 2 ** classes.length }, (_, letter) => letter);
  const states = behaviours.map(({ asked, done = () => goes(-1), deadline }, state): MachineState => {
    const here = ({ to, ...rest }: Move): Move => ({ to: to < 0 ? state : to, ...rest });
    const is = (letter: number) => (index: number) => (letter & (1 << index)) !== 0;
    return {
      asked: letters.map((letter) => here(asked(is(letter), false))),
      full: letters.map((letter) => here(asked(is(letter), register?.kind === 'counter'))),
      done: letters.map((letter) => here(done(is(letter)))),
      deadline: deadline ?? null,
    };
  });
  return { classes, register, initial: 0, states };
}
