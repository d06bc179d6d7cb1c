interface Bucket {
  tokens: number;
  /** When `tokens` was right, in ms. */
  at: number;
}

export interface RateLimiterOptions {
  readonly perSecond: number;
  readonly burst: number;
  readonly maxClients: number;
  /** ms, monotonic. */
  readonly now: () => number;
}

type RateVerdict = { readonly ok: true } | { readonly ok: false; readonly retryAfterSeconds: number };

/**
 * A token bucket per client. Memory is bounded without forgetting anyone who still owes: newcomers share one
 * bucket then.
 */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  /** In order of last use. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #shared: Bucket;

  constructor(options: RateLimiterOptions) {
    this.#options = options;
    this.#shared = { tokens: options.burst, at: options.now() };
  }

  take(client: string): RateVerdict {
    const bucket = this.#bucketOf(client);
    this.#refill(bucket);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return { ok: true };
    }
    return {
      ok: false,
      retryAfterSeconds: Math.max(1, Math.ceil((1 - bucket.tokens) / this.#options.perSecond)),
    };
  }

  get clients(): number {
    return this.#buckets.size;
  }

  #bucketOf(client: string): Bucket {
    const known = this.#buckets.get(client);
    if (known !== undefined) {
      this.#buckets.delete(client);
      this.#buckets.set(client, known);
      return known;
    }
    if (this.#buckets.size >= this.#options.maxClients && !this.#forgetOne()) return this.#shared;
    const fresh = { tokens: this.#options.burst, at: this.#options.now() };
    this.#buckets.set(client, fresh);
    return fresh;
  }

  /** Only a full bucket can be dropped without giving its owner more than it had. */
  #forgetOne(): boolean {
    const oldest = this.#buckets.entries().next().value;
    if (oldest === undefined) return false;
    const [client, bucket] = oldest;
    this.#refill(bucket);
    return bucket.tokens >= this.#options.burst && this.#buckets.delete(client);
  }

  #refill(bucket: Bucket): void {
    const { perSecond, burst, now } = this.#options;
    const at = now();
    bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
    bucket.at = at;
  }
}
