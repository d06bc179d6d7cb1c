import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import type { Machine, MachineState, Move } from './machine.ts';

/**
 * The least machine that answers every history alike: equal classes become one, classes that make no difference and states
 * that are never reached go, states that no future tells apart are one. States are numbered as they are reached.
 */
export function minimise(machine: Machine): Machine {
  let now = withoutNeedlessClasses(withEqualClassesMerged(machine));
  now = withEqualStatesMerged(onlyReached(now));
  return onlyReached(withoutNeedlessClasses(now));
}

function withEqualClassesMerged(machine: Machine): Machine {
  const names = machine.classes.map((each) => canonicalJson(each as unknown as JsonValue));
  for (const [index, name] of names.entries()) {
    const first = names.indexOf(name);
    // An event is in both or in neither: letters that say otherwise do not occur.
    if (first < index) return withEqualClassesMerged(withoutClass(machine, index, first));
  }
  return machine;
}

function withoutNeedlessClasses(machine: Machine): Machine {
  for (const index of machine.classes.keys()) {
    const bit = 1 << index;
    const same = (moves: readonly Move[]) =>
      moves.every((move, letter) => text(move) === text(moves[letter ^ bit] as Move));
    if (machine.states.every(({ asked, full, done }) => same(asked) && same(full) && same(done)))
      return withoutNeedlessClasses(withoutClass(machine, index, null));
  }
  return machine;
}

/** `like`: the class that says the same; null: it makes no difference. */
function withoutClass(machine: Machine, index: number, like: number | null): Machine {
  const low = (1 << index) - 1;
  const letters = 2 ** (machine.classes.length - 1);
  const pick = (moves: readonly Move[]): Move[] =>
    Array.from({ length: letters }, (_, letter) => {
      const wider = (letter & low) | ((letter & ~low) << 1);
      const has = like !== null && (wider & (1 << like)) !== 0;
      return moves[has ? wider | (1 << index) : wider] as Move;
    });
  return {
    ...machine,
    classes: machine.classes.filter((_, at) => at !== index),
    states: machine.states.map((state) => everyMove(state, pick)),
  };
}

function everyMove(state: MachineState, change: (moves: readonly Move[]) => readonly Move[]): MachineState {
  const { asked, full, done } = state;
  return { ...state, asked: change(asked), full: change(full), done: change(done) };
}

function onlyReached(machine: Machine): Machine {
  const order = new Map([[machine.initial, 0]]);
  for (const [state] of order) {
    const { asked, full, done, deadline } = machine.states[state] as MachineState;
    const next = [...asked, ...full, ...done].map(({ to }) => to);
    for (const to of deadline === null ? next : [...next, deadline])
      if (!order.has(to)) order.set(to, order.size);
  }
  return renumbered(machine, [...order.keys()], (state) => order.get(state) as number);
}

/** Moore's refinement: states stay together while their moves lead to states that are together. */
function withEqualStatesMerged(machine: Machine): Machine {
  let block: readonly number[] = machine.states.map(() => 0);
  for (;;) {
    const of = (state: number) => block[state] as number;
    const seen = new Map<string, number>();
    const next = machine.states.map((state, index) => {
      const { asked, full, done, deadline } = renamed(state, of);
      const signature = text([of(index), asked, full, done, deadline]);
      if (!seen.has(signature)) seen.set(signature, seen.size);
      return seen.get(signature) as number;
    });
    if (seen.size === new Set(block).size) break;
    block = next;
  }
  const first = [...new Set(block)].map((each) => block.indexOf(each));
  const position = new Map(first.map((state, index) => [block[state], index]));
  return renumbered(machine, first, (state) => position.get(block[state]) as number);
}

function renumbered(machine: Machine, kept: readonly number[], name: (state: number) => number): Machine {
  return {
    ...machine,
    initial: name(machine.initial),
    states: kept.map((state) => renamed(machine.states[state] as MachineState, name)),
  };
}

function renamed(state: MachineState, name: (state: number) => number): MachineState {
  const moved = everyMove(state, (moves) => moves.map((move) => ({ ...move, to: name(move.to) })));
  return { ...moved, deadline: state.deadline === null ? null : name(state.deadline) };
}

function text(value: unknown): string {
  return canonicalJson(value as JsonValue);
}
