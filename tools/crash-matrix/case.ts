import type { Tool } from './tools-of-the-machine.ts';
import type { Workbench } from './workbench.ts';

/** What a case found, for its row of the table. */
export interface Tally {
  points: number;
  /** Of these, where the call was not made in time: a kill at any moment took its place. */
  missed: number;
  answered: number;
  restarts: number;
  /** Asked or allowed, and not known to have ended, when the fault struck. */
  inFlight: number;
  ambiguous: number;
  ledgerEntries: number;
  /** How long starts took that nothing disturbed, in ms. */
  readonly startsMs: number[];
  /** What else is worth a word: what was refused, how often. */
  readonly notes: string[];
  readonly problems: string[];
}

export interface Trial {
  readonly bench: Workbench;
  /** For continuous integration: few points. */
  readonly quick: boolean;
  readonly random: () => number;
  readonly tally: Tally;
}

/** One row of the matrix. */
export interface Case {
  readonly name: string;
  readonly fault: string;
  readonly needs?: readonly Tool[];
  run(trial: Trial): Promise<void>;
}

export function newTally(): Tally {
  return {
    points: 0,
    missed: 0,
    answered: 0,
    restarts: 0,
    inFlight: 0,
    ambiguous: 0,
    ledgerEntries: 0,
    startsMs: [],
    notes: [],
    problems: [],
  };
}

/** From `least` to below `most`. */
export function between(random: () => number, least: number, most: number): number {
  return Math.floor(least + random() * (most - least));
}
