import { createHash } from 'node:crypto';
import type { RateDecision, RateLimits } from '@provability-fabric/secrets';
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RedisEvent } from './redis-event.ts';

export interface RateLimitOptions {
  readonly redis: Redis;
  readonly prefix: string;
  /** Accesses in a window, of one principal and of a whole tenant. */
  readonly perPrincipal: number;
  readonly perTenant: number;
  /** 1 unless told. */
  readonly windowSeconds?: number;
  readonly emit: (event: RedisEvent) => void;
}

export interface RedisRateLimits extends RateLimits {
  /** Whether counts are shared now. */
  shared(): boolean;
}

/** After a failure Redis is left alone for so long: a request waits for a silent Redis once, not each one. */
const PAUSE_MS = 1_000;

/**
 * Each replica counts by itself first and refuses by that alone, so no Redis, and nobody who writes to it,
 * can let a replica give more than the limit; then all of them count together. Without Redis the first count
 * is what is left.
 */
export function openRateLimits(options: RateLimitOptions): RedisRateLimits {
  const { redis, prefix, perPrincipal, perTenant, windowSeconds = 1, emit } = options;
  const limiter = (kind: string, points: number) => ({
    own: new RateLimiterMemory({ keyPrefix: kind, points, duration: windowSeconds }),
    shared: new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `${prefix}limit:${kind}`,
      points,
      duration: windowSeconds,
      rejectIfRedisNotReady: true,
      // Who is over the limit is refused without asking Redis again until the window ends.
      inMemoryBlockOnConsumed: points + 1,
    }),
  });
  const principals = limiter('principal', perPrincipal);
  const tenants = limiter('tenant', perTenant);
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let shared = true;

  function note(nowShared: boolean): void {
    if (!nowShared) pausedUntil = performance.now() + PAUSE_MS;
    if (shared === nowShared) return;
    shared = nowShared;
    emit({ event: shared ? 'redis.limits-shared' : 'redis.limits-in-process' });
  }

  async function takeOne({ own, shared: among }: typeof tenants, key: string): Promise<RateDecision> {
    const mine = await own.consume(key).then(allowed, refused);
    if (!mine.ok || performance.now() < pausedUntil) return mine;
    try {
      const decision = await among.consume(key).then(allowed, refused);
      note(true);
      return decision;
    } catch {
      note(false);
      return mine;
    }
  }

  return {
    async take(tenant, principal) {
      // The principal first: what one is refused does not use up what the tenant has.
      const one = await takeOne(principals, keyOf(tenant, principal));
      return one.ok ? takeOne(tenants, keyOf(tenant)) : one;
    },
    shared: () => shared && redis.status === 'ready',
  };
}

/** Of one length, whatever a principal calls itself; and a reader of Redis sees no names. */
function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

function allowed(): RateDecision {
  return { ok: true };
}

/** The library rejects with the count where the limit is reached, and with an error where there is none. */
function refused(reason: unknown): RateDecision {
  if (reason instanceof RateLimiterRes) return { ok: false, retryAfterMs: Math.max(1, reason.msBeforeNext) };
  throw reason;
}
