const FIRST_MS = 100;
const MOST_MS = 5_000;

/** How long to wait before the next attempt: not at all at first, then twice as long each time, with jitter. */
export class BackOff {
  readonly #random: () => number;
  #failures = 0;

  /** `random` answers numbers from 0 to below 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** How many attempts have failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  failed(): number {
    const failures = this.#failures++;
    if (failures === 0) return 0;
    const most = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
    // Never less than half: many fabrics that lost one ledger at once must not all come back at once.
    return most / 2 + (this.#random() * most) / 2;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
