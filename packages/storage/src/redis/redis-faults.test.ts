import { afterAll, beforeAll, expect, it } from 'vitest';
import { connections, isConnected } from './connections.fixture.ts';
import { describeWithRedis, type RedisServer, startRedisServer } from './redis-server.fixture.ts';

let server: RedisServer;
const connect = connections(() => server.url);
let asked = 0;

describeWithRedis('a redis-server that fails', () => {
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  it('killed and back: cut off is said at once, limits go on in process, and everything counts as missed', async () => {
    const [one, other] = [await connect(), await connect()];
    await expect.poll(() => isConnected(one) && isConnected(other)).toBe(true);
    for (let at = 0; at < 5; at++) await one.redis.limits.take('acme', 'agent');
    await server.kill();
    await expect.poll(() => isConnected(one), { timeout: 2_000 }).toBe(false);
    expect((await one.redis.limits.take('acme', 'agent')).ok).toBe(false);
    expect((await one.redis.limits.take('acme', 'fresh')).ok).toBe(true);
    await one.redis.invalidations.publish('acme', 'lost');
    one.heard.length = 0;
    other.heard.length = 0;
    await server.restart();
    await expect.poll(() => isConnected(one) && isConnected(other), { timeout: 5_000 }).toBe(true);
    expect(one.heard).toContain(null);
    expect(other.heard).toContain(null);
    expect(other.heard).not.toContain('lost');
    await one.redis.invalidations.publish('acme', 'again');
    await expect.poll(() => other.heard, { timeout: 5_000 }).toContain('again');
    expect(one.events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['redis.connected', 'redis.lost', 'redis.limits-in-process']),
    );
    await expect
      .poll(async () => (await one.redis.limits.take('acme', `p${++asked}`)).ok && one.redis.problems(), {
        timeout: 3_000,
      })
      .toEqual([]);
  });

  it('silent but there: within a second nobody counts on it, and no request waits for it again and again', async () => {
    const one = await connect();
    await expect.poll(() => isConnected(one)).toBe(true);
    server.freeze();
    try {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(isConnected(one)).toBe(false);
      const askedAt = performance.now();
      for (let at = 0; at < 50; at++) expect((await one.redis.limits.take('acme', `q${at}`)).ok).toBe(true);
      expect(performance.now() - askedAt).toBeLessThan(2_000);
    } finally {
      server.thaw();
    }
    await expect.poll(() => isConnected(one), { timeout: 5_000 }).toBe(true);
    expect(one.heard.at(-1)).toBeNull();
  });

  it('out of reach of one replica only: the others learn that they have missed something when it is back', async () => {
    const [cut, other] = [await connect(), await connect()];
    await expect.poll(() => isConnected(cut) && isConnected(other)).toBe(true);
    // The command connection alone, so that the other replica notices nothing by itself.
    server.command('client', 'pause', '600', 'write');
    await cut.redis.invalidations.publish('acme', 'db');
    other.heard.length = 0;
    await expect.poll(() => other.heard, { timeout: 4_000 }).toContain(null);
  });
});
