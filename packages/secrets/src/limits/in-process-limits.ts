import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { RateDecision, RateLimits } from '../ports.ts';

export interface InProcessLimitsOptions {
  /** Accesses of one principal within the window, which is also what may come at once. */
  readonly perPrincipal: number;
  /** Accesses of all principals of one tenant. */
  readonly perTenant: number;
  readonly windowSeconds: number;
  /** ms. */
  readonly clock: () => number;
  /** Tenants and principals that are told apart; the one not seen for longest is taken for new. 100,000 unless told. */
  readonly maxKnown?: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

const LONG_KEY = 512;

/** Token buckets in this process: one for each tenant, one for each of its principals. */
export function createInProcessLimits(options: InProcessLimitsOptions): RateLimits {
  const { perPrincipal, perTenant, windowSeconds, clock, maxKnown = 100_000 } = options;
  const buckets = new LRUCache<string, Bucket>({ max: maxKnown });

  const filled = (key: string, most: number): Bucket => {
    const now = clock();
    const bucket = buckets.get(key) ?? { tokens: most, at: now };
    // A clock that jumped back gives nothing.
    const gained = (Math.max(0, now - bucket.at) / (windowSeconds * 1000)) * most;
    bucket.tokens = Math.min(most, bucket.tokens + gained);
    bucket.at = now;
    buckets.set(key, bucket);
    return bucket;
  };

  return {
    async take(tenant, principal) {
      const mine = filled(keyOf('principal', tenant, principal), perPrincipal);
      // Whoever is over its own limit takes nothing from its tenant's.
      if (mine.tokens < 1) return refused(mine, perPrincipal, windowSeconds);
      const all = filled(keyOf('tenant', tenant), perTenant);
      if (all.tokens < 1) return refused(all, perTenant, windowSeconds);
      mine.tokens -= 1;
      all.tokens -= 1;
      return { ok: true };
    },
  };
}

function refused(bucket: Bucket, most: number, windowSeconds: number): RateDecision {
  return { ok: false, retryAfterMs: Math.ceil(((1 - bucket.tokens) / most) * windowSeconds * 1000) };
}

/** Names are a peer's: they share no key, and cost no more memory than a digest. */
function keyOf(...parts: readonly string[]): string {
  const key = JSON.stringify(parts);
  return key.length <= LONG_KEY ? key : createHash('sha256').update(key).digest('base64');
}
