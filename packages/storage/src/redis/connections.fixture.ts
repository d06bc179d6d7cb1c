import { afterEach } from 'vitest';
import { openRedis, type RedisConnection, type RedisConnectionOptions } from './redis.ts';
import type { RedisEvent } from './redis-event.ts';

export const LIMITS = { perPrincipal: 5, perTenant: 100, windowSeconds: 60 };

export interface Connected {
  readonly redis: RedisConnection;
  readonly events: RedisEvent[];
  /** Names; null for everything. */
  readonly heard: (string | null)[];
}

/** Replicas' connections, which end with the test that made them. */
export function connections(url: () => string) {
  const opened: RedisConnection[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((redis) => redis.close()));
  });
  return async function connect(more: Partial<RedisConnectionOptions> = {}): Promise<Connected> {
    const [events, heard]: [RedisEvent[], (string | null)[]] = [[], []];
    const emit = (event: RedisEvent) => events.push(event);
    const redis = await openRedis({ url: url(), limits: LIMITS, emit, ...more });
    redis.invalidations.subscribe((changed) => heard.push(changed?.name ?? null));
    opened.push(redis);
    return { redis, events, heard };
  };
}

export const isConnected = ({ redis }: Connected) => redis.invalidations.connected();
