// Whether the database's clock can be believed. Leases end by that clock, and it is a wall clock: set an hour
// forward, it would end every lease at once while the holders, who count on their own clocks, go on deciding.
// So a lease is taken over for having run out only by a process that has watched the database's clock run
// beside its own monotonic one for as long as a lease lasts. A later jump shows as well: every lease that was
// renewed before the watched time has run out by then in any case.

/** One look at the database's clock. Local times are monotonic. */
export interface ClockSample {
  readonly sent: number;
  readonly received: number;
  readonly database: number;
}

/** Where the database's clock stands, in its own milliseconds, unless it was set. */
export interface ClockBounds {
  readonly earliest: number;
  readonly latest: number;
}

interface Offset {
  readonly at: number;
  readonly low: number;
  readonly high: number;
}

/**
 * With a lease of `windowMs` a jump of more than four tolerances is always seen; a holder that stops five
 * tolerances early is therefore never overtaken.
 */
export class ClockWatch {
  readonly #windowMs: number;
  readonly #toleranceMs: number;
  #offsets: Offset[] = [];

  constructor(windowMs: number, toleranceMs: number) {
    this.#windowMs = windowMs;
    this.#toleranceMs = toleranceMs;
  }

  take({ sent, received, database }: ClockSample): void {
    // A slow answer says too little of the moment at which the clock was read.
    if (received - sent > this.#toleranceMs) return;
    const offset = { at: sent, low: database - received, high: database - sent };
    if (this.#offsets.some((known) => this.#differ(known, offset))) this.#offsets = [];
    this.#offsets.push(offset);
    // One sample from before the window has to stay: it is what the window begins with.
    while ((this.#offsets[1]?.at ?? Number.POSITIVE_INFINITY) <= sent - this.#windowMs) this.#offsets.shift();
  }

  /** For a statement sent at `sent`; undefined as long as the clock was not watched for a whole window. */
  bounds(sent: number): ClockBounds | undefined {
    const [first] = this.#offsets;
    if (first === undefined || first.at > sent - this.#windowMs) return undefined;
    const low = Math.max(...this.#offsets.map((offset) => offset.low));
    const high = Math.min(...this.#offsets.map((offset) => offset.high));
    return {
      earliest: sent + Math.min(low, high) - this.#toleranceMs,
      latest: sent + high + 2 * this.#toleranceMs,
    };
  }

  #differ(one: Offset, other: Offset): boolean {
    return one.low > other.high + this.#toleranceMs || other.low > one.high + this.#toleranceMs;
  }
}
