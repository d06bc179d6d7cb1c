import { random } from '../crash/random.ts';

/** Draws that a seed repeats. */
export class Chance {
  readonly #seed: string;
  readonly #next: () => number;

  constructor(seed: string) {
    this.#seed = seed;
    this.#next = random(hashOf(seed));
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  is(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('expected something to pick from, came an empty list');
    return list[this.below(list.length)] as T;
  }

  /** Draws of its own: what is drawn here changes nothing that is drawn there. */
  apart(name: string): Chance {
    return new Chance(`${this.#seed}/${name}`);
  }
}

/** FNV-1a over UTF-16 code units: spreads, and promises nothing more. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
