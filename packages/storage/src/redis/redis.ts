import type { Invalidations, RateLimits } from '@provability-fabric/secrets';
import { connectRedis, firstAttempt } from './connection.ts';
import { openInvalidations } from './invalidations.ts';
import { openRateLimits } from './rate-limits.ts';
import type { RedisEvent } from './redis-event.ts';
import { parseRedisUrl } from './redis-url.ts';

export interface RedisConnectionOptions {
  readonly url: string;
  /** PEM, for `rediss:`; absent: the public authorities. */
  readonly ca?: string;
  /** Of keys and channels; `pf:secrets:` unless told. Fabrics that share one share their counts. */
  readonly prefix?: string;
  /** Accesses in a window, of one principal and of a whole tenant, among all replicas. */
  readonly limits: {
    readonly perPrincipal: number;
    readonly perTenant: number;
    /** 1 unless told. */
    readonly windowSeconds?: number;
  };
  readonly emit: (event: RedisEvent) => void;
}

export interface RedisConnection {
  readonly invalidations: Invalidations;
  readonly limits: RateLimits;
  /** What is wrong, for an operator. Empty when all is well; nothing that is wrong here stops the service. */
  problems(): readonly string[];
  close(): Promise<void>;
}

/** A count is not worth waiting longer for. */
const COUNT_TIMEOUT_MS = 250;
const PING_TIMEOUT_MS = 700;

/**
 * Redis is not trusted: whoever reads it learns which tenants' secrets change and by what name; whoever
 * writes to it can make caches forget, hold back news of a change until the cache's time is up, and refuse
 * accesses by using counts up. No value, no key and no right is ever in it. Resolves whether or not Redis can
 * be reached; throws REDIS_URL_INVALID.
 */
export async function openRedis(options: RedisConnectionOptions): Promise<RedisConnection> {
  const { url, ca, prefix = 'pf:secrets:', limits, emit } = options;
  const place = parseRedisUrl(url, ca);
  const commands = connectRedis(place, COUNT_TIMEOUT_MS);
  const subscriber = connectRedis(place, PING_TIMEOUT_MS);
  // The number is the messages' form: a replica that writes another one has another channel.
  const channel = `${prefix}changed:1`;
  const invalidations = openInvalidations({ publisher: commands, subscriber, channel, emit });
  const rates = openRateLimits({ redis: commands, prefix, emit, ...limits });
  await Promise.all([firstAttempt(commands), firstAttempt(subscriber)]);
  return {
    invalidations,
    limits: rates,
    problems: () => [
      ...(invalidations.connected()
        ? []
        : ['redis is cut off: what other replicas change is read from the provider, not from the cache']),
      ...(rates.shared() ? [] : ['redis does not count: each replica holds to the rate limits by itself']),
    ],
    async close() {
      invalidations.close();
      for (const redis of [commands, subscriber]) redis.disconnect();
    },
  };
}
