/**
 * Bounds the work and the memory of requests being served: a request enters whole or is told to come back.
 */
export class Admission {
  readonly #maxRequests: number;
  readonly #maxBytes: number;
  #requests = 0;
  #bytes = 0;

  constructor(maxRequests: number, maxBytes: number) {
    this.#maxRequests = maxRequests;
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#requests === 0;
  }

  /**
   * How to leave again (once), or undefined when it is full. A single body may be larger than the whole
   * allowance.
   */
  enter(bytes: number): (() => void) | undefined {
    const full = this.#requests > 0 && this.#bytes + bytes > this.#maxBytes;
    if (full || this.#requests >= this.#maxRequests) return undefined;
    this.#requests += 1;
    this.#bytes += bytes;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#requests -= 1;
      this.#bytes -= bytes;
    };
  }
}
