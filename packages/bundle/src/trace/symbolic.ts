import type { TraceAutomaton, Transition, TransitionPoint } from '@provability-fabric/policy';
import type { Machine, MachineState, Move } from './machine.ts';

/** The machine with letters told apart only by the classes that matter: what the artifact shows. */
export function automatonFrom(clause: string, machine: Machine): TraceAutomaton {
  const { classes, register, initial, states } = machine;
  const transitions = states.flatMap((state, from) => transitionsFrom(from, state, machine));
  return { clause, initial, states: states.length, classes, register, transitions };
}

function transitionsFrom(from: number, state: MachineState, { classes }: Machine): readonly Transition[] {
  const { asked, full, done, deadline } = state;
  const count = classes.length;
  const drawn = (at: TransitionPoint, moves: readonly Move[], needs: boolean | null): readonly Transition[] =>
    cubes(moves, count).map(({ move, has, lacks }) => ({
      from,
      at,
      in: has,
      not_in: lacks,
      full: needs,
      ...move,
    }));
  const below = drawn('asked', asked, null);
  const most = drawn('asked', full, null);
  const letters = JSON.stringify(below) === JSON.stringify(most) ? below : splitByCounter(below, most);
  const passing: readonly Transition[] =
    deadline === null
      ? []
      : [
          {
            from,
            at: 'deadline',
            in: [],
            not_in: [],
            full: null,
            to: deadline,
            action: null,
            violation: null,
          },
        ];
  return [...letters, ...drawn('done', done, null), ...passing];
}

/** Transitions that both have need not ask for the counter. */
function splitByCounter(below: readonly Transition[], most: readonly Transition[]): readonly Transition[] {
  const texts = new Set(most.map((each) => JSON.stringify(each)));
  const both = below.filter((each) => texts.has(JSON.stringify(each)));
  const shared = new Set(both.map((each) => JSON.stringify(each)));
  const only = (all: readonly Transition[], full: boolean) =>
    all.filter((each) => !shared.has(JSON.stringify(each))).map((each) => ({ ...each, full }));
  return [...only(below, false), ...only(most, true), ...both];
}

interface Cube {
  readonly move: Move;
  readonly has: readonly number[];
  readonly lacks: readonly number[];
}

/** Splits the letters by one class after the other until all that are left do the same: disjoint, and all of them. */
function cubes(moves: readonly Move[], classes: number): readonly Cube[] {
  const split = (
    letters: readonly number[],
    index: number,
    has: number[],
    lacks: number[],
  ): readonly Cube[] => {
    const [first, ...rest] = letters.map((letter) => moves[letter] as Move);
    const text = JSON.stringify(first);
    if (rest.every((move) => JSON.stringify(move) === text)) return [{ move: first as Move, has, lacks }];
    const bit = 1 << index;
    const inside = letters.filter((letter) => (letter & bit) !== 0);
    const outside = letters.filter((letter) => (letter & bit) === 0);
    const matters = inside.some(
      (letter) => JSON.stringify(moves[letter]) !== JSON.stringify(moves[letter ^ bit]),
    );
    if (!matters) return split(outside, index + 1, has, lacks);
    return [
      ...split(inside, index + 1, [...has, index], lacks),
      ...split(outside, index + 1, has, [...lacks, index]),
    ];
  };
  return split(
    Array.from({ length: 2 ** classes }, (_, letter) => letter),
    0,
    [],
    [],
  );
}
