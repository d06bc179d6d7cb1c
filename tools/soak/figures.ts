/** What one minute, or all of it, was like. Latencies in classes of a twentieth, so that a long run takes no memory. */
export class Figures {
  actions = 0;
  readonly #classes = new Map<number, number>();
  #count = 0;

  took(ms: number): void {
    const at = Math.round(Math.log(Math.max(ms, 0.01)) / STEP);
    this.#classes.set(at, (this.#classes.get(at) ?? 0) + 1);
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** Within a twentieth. */
  percentile(share: number): number {
    let left = share * this.#count;
    for (const at of [...this.#classes.keys()].sort((a, b) => a - b)) {
      left -= this.#classes.get(at) ?? 0;
      if (left <= 0) return Math.exp(at * STEP);
    }
    return Number.NaN;
  }
}

const STEP = Math.log(1.05);

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
