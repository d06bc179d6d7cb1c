import { describe, expect, it } from 'vitest';
import { connections } from './connections.fixture.ts';
import { freePort, PASSWORD } from './redis-server.fixture.ts';

const connect = connections(() => '');

describe('a Redis that is not there', () => {
  it('is no reason not to start: limits are kept in process, and it is said that nothing is shared', async () => {
    const url = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${await freePort()}`;
    const { redis, events } = await connect({ url });
    const decisions = [];
    for (let at = 0; at < 8; at++) decisions.push((await redis.limits.take('acme', 'agent')).ok);
    expect(decisions.filter(Boolean)).toHaveLength(5);
    expect(redis.invalidations.connected()).toBe(false);
    await redis.invalidations.publish('acme', 'db');
    expect(redis.problems()).toHaveLength(2);
    expect(events).toContainEqual({ event: 'redis.limits-in-process' });
    expect(JSON.stringify([events, redis.problems()])).not.toContain(PASSWORD);
  });

  it.each([
    'http://localhost',
    'redis:',
    'redis://',
    'redis://host/x',
    'redis://host/0?password=x',
    'localhost:6379',
    '',
    `redis://:${PASSWORD}@`,
    'redis://u:%zz@host',
    'unix:',
    'redis://host:99999',
  ])('is refused by name for the URL %j', async (url) => {
    const error = await connect({ url }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'REDIS_URL_INVALID' });
    expect(error.message).not.toContain(PASSWORD);
  });
});
