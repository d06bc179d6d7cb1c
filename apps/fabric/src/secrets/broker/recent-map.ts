/** A map that forgets what was asked for longest ago. */
export class RecentMap<Value> {
  readonly #most: number;
  readonly #values = new Map<string, Value>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  /** Without counting as asked for. */
  peek(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > this.#most && oldest !== undefined) this.#values.delete(oldest);
  }

  /** Forgets until what is left weighs no more than this; the newest stays whatever it weighs. */
  keepWithin(most: number, weigh: (value: Value) => number): void {
    let sum = 0;
    for (const value of this.#values.values()) sum += weigh(value);
    for (const [key, value] of this.#values) {
      if (sum <= most || this.#values.size === 1) return;
      this.#values.delete(key);
      sum -= weigh(value);
    }
  }

  values(): IterableIterator<Value> {
    return this.#values.values();
  }

  clear(): void {
    this.#values.clear();
  }
}
