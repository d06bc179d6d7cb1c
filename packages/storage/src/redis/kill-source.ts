import {
  cleanKillOrder,
  type KillOrder,
  type KillSource,
  polledKillSource,
} from '@provability-fabric/governor';
import { connectRedis, firstAttempt } from './connection.ts';
import { decodeKillValue, encodeKillValue, REVIVED } from './kill-value.ts';
import { parseRedisUrl } from './redis-url.ts';

export interface RedisKillSourceOptions {
  readonly url: string;
  /** PEM, for `rediss:`; absent: the public authorities. */
  readonly ca?: string;
  readonly tenant: string;
  /** What all replicas of one governor call their tree. */
  readonly tree: string;
  /** Of the key and the channel; `pf:governor:` unless told. */
  readonly prefix?: string;
}

export interface RedisKillSource {
  readonly killSource: KillSource;
  close(): Promise<void>;
}

const COMMAND_TIMEOUT_MS = 500;

/**
 * Redis is not trusted and may forget: whoever writes to it can stop the governor, and whoever takes the key away, or restarts a
 * Redis that keeps nothing, gets an order that was seen put back; only the word that it is over ends it. That word, from whoever
 * can write, ends no order that another source has. Resolves whether or not Redis can be reached; throws REDIS_URL_INVALID.
 */
export async function openRedisKillSource(options: RedisKillSourceOptions): Promise<RedisKillSource> {
  const { url, ca, tenant, tree, prefix = 'pf:governor:' } = options;
  const place = parseRedisUrl(url, ca);
  const commands = connectRedis(place, COMMAND_TIMEOUT_MS);
  const subscriber = connectRedis(place, COMMAND_TIMEOUT_MS);
  const key = `${prefix}kill:1:${encodeURIComponent(tenant)}:${encodeURIComponent(tree)}`;
  const channel = `${key}:changed`;
  /** What this replica saw last, to be put back where Redis lost it. */
  let seen: string | undefined;

  async function look(): Promise<KillOrder | null> {
    const found = await commands.get(key);
    if (found === null && seen !== undefined && seen !== REVIVED) {
      await commands.set(key, seen, 'NX');
      return decodeKillValue(seen);
    }
    if (found !== null) seen = found;
    return found === null ? null : decodeKillValue(found);
  }

  async function write(order: KillOrder | null): Promise<void> {
    const value = order === null ? REVIVED : encodeKillValue(cleanKillOrder(order));
    await commands.set(key, value);
    seen = value;
    // Those who do not hear of it look.
    await commands.publish(channel, '').catch(() => undefined);
  }

  await Promise.all([firstAttempt(commands), firstAttempt(subscriber)]);
  return {
    killSource: polledKillSource({
      name: 'redis',
      look,
      write,
      // A message is a reason to look and nothing more: whoever reaches Redis can send one.
      async hints(lookNow) {
        const onMessage = (on: string) => {
          if (on === channel) lookNow();
        };
        const subscribe = () => subscriber.subscribe(channel).then(lookNow, () => undefined);
        subscriber.on('message', onMessage);
        subscriber.on('ready', subscribe);
        await subscribe();
        return async () => {
          subscriber.off('message', onMessage);
          subscriber.off('ready', subscribe);
        };
      },
    }),
    async close() {
      for (const redis of [commands, subscriber]) redis.disconnect();
    },
  };
}
