/** Names come from agents and clients, so how many there are is theirs to choose; how many are remembered is not. */
const MOST_NAMES = 100_000;

/** Counts by name. Beyond so many different names the rest is counted together. */
export class Counted<Counts extends object> {
  readonly #byName = new Map<string, Counts>();
  readonly #zero: () => Counts;
  readonly #most: number;
  #rest: Counts | undefined;

  constructor(zero: () => Counts, most = MOST_NAMES) {
    this.#zero = zero;
    this.#most = most;
  }

  /** The counts of a name, to add to. */
  of(name: string): Counts {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.#byName.size >= this.#most) {
      this.#rest ??= this.#zero();
      return this.#rest;
    }
    const fresh = this.#zero();
    this.#byName.set(name, fresh);
    return fresh;
  }

  /** The names with the greatest weight, the greatest first and equal ones by name, and how many others there are. */
  greatest(
    count: number,
    weight: (counts: Counts) => number,
  ): {
    readonly rows: readonly (readonly [string, Counts])[];
    readonly others: number;
    readonly rest: Counts | null;
  } {
    const rows = [...this.#byName].sort(
      ([nameA, a], [nameB, b]) => weight(b) - weight(a) || (nameA < nameB ? -1 : 1),
    );
    return {
      rows: rows.slice(0, count),
      others: Math.max(0, rows.length - count),
      rest: this.#rest ?? null,
    };
  }
}
