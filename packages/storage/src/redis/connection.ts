import { Redis } from 'ioredis';
import type { RedisPlace } from './redis-url.ts';

const CONNECT_TIMEOUT_MS = 2_000;
/** A command that is unanswered for so long: the connection is given up and made anew. */
const SOCKET_TIMEOUT_MS = 3_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

/**
 * Nothing waits in a queue for a connection and nothing is sent twice: whoever asks has something to fall
 * back on, and would rather know.
 */
export function connectRedis(place: RedisPlace, commandTimeoutMs: number): Redis {
  const redis = new Redis({
    ...place,
    lazyConnect: true,
    connectionName: 'provability-fabric',
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: commandTimeoutMs,
    socketTimeout: SOCKET_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: (times) =>
      Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2),
  });
  // Each loss ends in a `close` too, which is what is looked at; without a listener ioredis prints them.
  redis.on('error', () => undefined);
  return redis;
}

/** Resolves with the first attempt, whatever came of it: the next ones go on by themselves. */
export async function firstAttempt(redis: Redis): Promise<void> {
  await redis.connect().catch(() => undefined);
}
