export interface Measurement {
  readonly n: number;
  /** All in microseconds. */
  readonly median: number;
  readonly p5: number;
  readonly p95: number;
  readonly p99: number;
}

/** Times each call on its own; the first tenth is warm-up and not counted. */
export class Stopwatch {
  private readonly samples: number[] = [];

  time(call: () => void): void {
    const start = performance.now();
    call();
    this.samples.push((performance.now() - start) * 1000);
  }

  result(): Measurement {
    const sorted = this.samples.slice(Math.floor(this.samples.length / 10)).sort((a, b) => a - b);
    const at = (quantile: number): number => sorted[Math.floor(quantile * (sorted.length - 1))] ?? Number.NaN;
    return { n: sorted.length, median: at(0.5), p5: at(0.05), p95: at(0.95), p99: at(0.99) };
  }
}

export function microseconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
