import type { LetterClass } from '@provability-fabric/policy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANY } from './history.fixture.ts';
import type { Machine, MachineState, Move } from './machine.ts';
import { minimise } from './minimise.ts';

const CLASSES: readonly LetterClass[] = [
  { on: { ...ANY, tools: ['a'] }, unknown: 'in' },
  { on: { ...ANY, tools: ['b'] }, unknown: 'in' },
  // The first one again, and the first one for a permission, which is another.
  { on: { ...ANY, tools: ['a'] }, unknown: 'in' },
  { on: { ...ANY, tools: ['a'] }, unknown: 'out' },
];

const STATES = 5;
const move = (from: number): fc.Arbitrary<Move> =>
  fc.oneof(
    fc.record({
      to: fc.nat(STATES - 1),
      action: fc.constantFrom(null, null, 'forget' as const),
      violation: fc.constant(null),
    }),
    fc.constant<Move>({ to: from, action: null, violation: 'TRACE_FORBIDDEN' }),
  );
const moves = (from: number, letters: number) =>
  fc.array(move(from), { minLength: letters, maxLength: letters });

const machines: fc.Arbitrary<Machine> = fc
  .subarray([...CLASSES], { minLength: 1, maxLength: 3 })
  .chain((classes) =>
    fc
      .tuple(
        ...Array.from({ length: STATES }, (_, from) =>
          fc.record({
            asked: moves(from, 2 ** classes.length),
            done: moves(from, 2 ** classes.length),
            deadline: fc.option(fc.nat(STATES - 1), { freq: 1 }),
          }),
        ),
      )
      .map((states) => ({
        classes,
        register: null,
        initial: 0,
        states: states.map((state): MachineState => ({ ...state, full: state.asked })),
      })),
  );

type Letter = readonly [point: 'asked' | 'done' | 'deadline', isA: boolean, isB: boolean, isSurelyA: boolean];
const word: fc.Arbitrary<readonly Letter[]> = fc.array(
  fc.tuple(fc.constantFrom('asked', 'done', 'deadline'), fc.boolean(), fc.boolean(), fc.boolean()),
  { maxLength: 12 },
);

/** What the machine shows of itself while it reads the word. */
function shown({ classes, states, initial }: Machine, letters: readonly Letter[]): readonly unknown[] {
  let at = initial;
  return letters.map(([point, a, b, surelyA]) => {
    const state = states[at] as MachineState;
    if (point === 'deadline') {
      at = state.deadline ?? at;
      return state.deadline === null;
    }
    const letter = classes.reduce((sum, { on, unknown }, index) => {
      const is = on.tools?.[0] === 'b' ? b : unknown === 'in' ? a : surelyA;
      return is ? sum | (1 << index) : sum;
    }, 0);
    const { to, action, violation } = state[point][letter] as Move;
    at = to;
    return [action, violation];
  });
}

describe('a minimised machine', () => {
  it('answers every word as the whole one does, with no more states, and is as small as it gets', () => {
    fc.assert(
      fc.property(machines, word, (machine, letters) => {
        const small = minimise(machine);
        expect(shown(small, letters)).toEqual(shown(machine, letters));
        expect(small.states.length).toBeLessThanOrEqual(machine.states.length);
        expect(minimise(small)).toEqual(small);
      }),
      { numRuns: 400, seed: 7 },
    );
  });

  it('has one state where nothing is told apart, and no class that says nothing', () => {
    const stay = (to: number): Move => ({ to, action: null, violation: null });
    const state = (to: number): MachineState => ({
      asked: [stay(to), stay(to)],
      full: [stay(to), stay(to)],
      done: [stay(0), stay(0)],
      deadline: null,
    });
    const machine = {
      classes: [CLASSES[0] as LetterClass],
      register: null,
      initial: 0,
      states: [state(1), state(0)],
    };
    expect(minimise(machine)).toMatchObject({ classes: [], states: [{ asked: [stay(0)] }] });
  });
});
