import type { Invalidations } from '@provability-fabric/secrets';
import type { Redis } from 'ioredis';
import { type Changed, decodeChange, encodeChange, FORGET_EVERYTHING } from './message.ts';
import type { RedisEvent } from './redis-event.ts';

export interface InvalidationOptions {
  readonly publisher: Redis;
  /** A connection of its own. */
  readonly subscriber: Redis;
  readonly channel: string;
  readonly emit: (event: RedisEvent) => void;
}

export interface RedisInvalidations extends Invalidations {
  close(): void;
}

const BEAT_EVERY_MS = 300;
/** Two beats: what is silent for longer counts as cut off, well within a cache's bound of one second. */
const SILENT_MS = 700;
const REPORT_EVERY_MS = 60_000;

/**
 * Messages over one connection come in order, so an answered PING proves that all that was published before
 * has come. Redis keeps nothing for who is away: each time the connection is back, everything counts as
 * missed.
 */
export function openInvalidations(options: InvalidationOptions): RedisInvalidations {
  const { publisher, subscriber, channel, emit } = options;
  const handlers = new Set<(changed: Changed | null) => void>();
  const tell = (changed: Changed | null) => {
    for (const handler of handlers) handler(changed);
  };
  let subscribed = false;
  let heardAt = Number.NEGATIVE_INFINITY;
  let wasConnected = false;
  /**
   * Something that was to be published was not, or nobody knows: the others learn of it as soon as that is
   * possible.
   */
  let unsent = false;
  let refused = 0;
  let reportedAt = Number.NEGATIVE_INFINITY;

  const connected = () => subscribed && performance.now() - heardAt <= SILENT_MS;

  function refuse(): void {
    refused++;
    if (performance.now() - reportedAt < REPORT_EVERY_MS) return;
    reportedAt = performance.now();
    emit({ event: 'redis.messages-refused', count: refused });
    refused = 0;
  }

  async function subscribe(): Promise<void> {
    await subscriber.subscribe(channel);
    subscribed = true;
    heard();
  }

  function heard(): void {
    heardAt = performance.now();
    if (wasConnected) return;
    wasConnected = true;
    emit({ event: 'redis.connected' });
    tell(null);
  }

  function noticeLoss(): void {
    if (connected() || !wasConnected) return;
    wasConnected = false;
    emit({ event: 'redis.lost' });
  }

  async function send(message: string): Promise<void> {
    try {
      await publisher.publish(channel, message);
    } catch {
      unsent = true;
    }
  }

  function beat(): void {
    noticeLoss();
    if (unsent && publisher.status === 'ready') {
      unsent = false;
      void send(FORGET_EVERYTHING);
    }
    if (subscribed) subscriber.ping().then(heard, () => undefined);
    else if (subscriber.status === 'ready') subscribe().catch(() => undefined);
  }

  const onReady = () => {
    subscribe().catch(() => undefined);
  };
  const onClose = () => {
    subscribed = false;
    noticeLoss();
  };
  const onMessage = (on: string, message: string) => {
    const changed = on === channel ? decodeChange(message) : undefined;
    if (changed === undefined) refuse();
    else tell(changed);
  };
  subscriber.on('ready', onReady);
  subscriber.on('close', onClose);
  subscriber.on('message', onMessage);
  const timer = setInterval(beat, BEAT_EVERY_MS);
  timer.unref();

  return {
    publish: (tenant, name) => send(encodeChange({ tenant, name })),
    subscribe(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    connected,
    close() {
      clearInterval(timer);
      handlers.clear();
      subscriber.off('ready', onReady);
      subscriber.off('close', onClose);
      subscriber.off('message', onMessage);
    },
  };
}
