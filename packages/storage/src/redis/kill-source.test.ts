import type { KillOrder } from '@provability-fabric/governor';
import { describeKillSourceContract } from '@provability-fabric/testkit';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openRedisKillSource, type RedisKillSource } from './kill-source.ts';
import { describeWithRedis, freePort, type RedisServer, startRedisServer } from './redis-server.fixture.ts';

const ORDER: KillOrder = { reason: 'an agent runs wild', by: 'alice', at: 1_800_000_000_000 };
const KEY = 'pf:governor:kill:1:acme:main%2Ftree';
let server: RedisServer;
const closes: (() => Promise<void>)[] = [];

async function open(url = server.url, tree = 'main/tree') {
  const source: RedisKillSource = await openRedisKillSource({ url, tenant: 'acme', tree });
  closes.push(source.close);
  const told: (KillOrder | null | undefined)[] = [];
  const watch = await source.killSource.watch((state) => told.push(state));
  closes.push(watch.close);
  return { set: source.killSource.set as (order: KillOrder | null) => Promise<void>, told };
}

describeWithRedis('the kill switch in Redis', () => {
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterEach(async () => {
    for (const close of closes.splice(0).reverse()) await close();
    server.command('del', KEY);
  });
  afterAll(() => server.stop());
  // A busy machine adds to what is promised; the bench measures that.
  const within = { timeout: 2_000, interval: 5 };

  describeKillSourceContract('Redis', async () => {
    const [one, another] = await Promise.all(
      [0, 1].map(() => openRedisKillSource({ url: server.url, tenant: 'acme', tree: 'contract' })),
    );
    return {
      one: (one as RedisKillSource).killSource,
      another: (another as RedisKillSource).killSource,
      async close() {
        await one?.close();
        await another?.close();
      },
    };
  });

  it.each([
    ['nothing', ''],
    ['half of an order', '{'],
    ['nearly that word', 'Revived'],
    ['another kind of JSON', '[]'],
    ['an order without words', '{"reason":7}'],
    ['null', 'null'],
    ['very much', 'x'.repeat(10_000)],
  ])('is on for any value that is not the word that it is over: %s', async (_, value) => {
    const { told } = await open();
    server.command('set', KEY, value);
    await expect.poll(() => told.at(-1)?.by, within).toBe('unknown');
  });

  it('stays on when somebody takes the key away, and its order is put back', async () => {
    const [one, other] = [await open(), await open()];
    await one.set(ORDER);
    await expect.poll(() => other.told.at(-1), within).toEqual(ORDER);
    server.command('del', KEY);
    await expect.poll(() => server.command('exists', KEY), within).toBe('1');
    expect([one.told.at(-1), other.told.at(-1)]).toEqual([ORDER, ORDER]);
    await other.set(null);
    await expect.poll(() => one.told.at(-1), within).toBeNull();
  });

  it('is on for every tree but its own as long as it was ordered there', async () => {
    const [here, elsewhere] = [await open(), await open(server.url, 'main')];
    await here.set(ORDER);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(elsewhere.told).toEqual([null]);
  });

  it('counts as on soon after the server’s end, and an order outlives a server that forgot it', async () => {
    const [one, other] = [await open(), await open()];
    await one.set(ORDER);
    await expect.poll(() => other.told.at(-1), within).toEqual(ORDER);
    await server.kill();
    await expect.poll(() => [one.told.at(-1), other.told.at(-1)], within).toEqual([undefined, undefined]);
    await expect(one.set(null)).rejects.toThrow();
    await server.restart();
    const back = { timeout: 3_000, interval: 5 };
    await expect.poll(() => [one.told.at(-1), other.told.at(-1)], back).toEqual([ORDER, ORDER]);
    expect(server.command('get', KEY)).toContain(ORDER.reason);
  });

  it('counts as on soon after the server has gone silent', async () => {
    const { told } = await open();
    server.freeze();
    await expect.poll(() => told.at(-1), within).toBeUndefined();
    server.thaw();
    await expect.poll(() => told.at(-1), { timeout: 3_000, interval: 5 }).toBeNull();
  });

  it('counts as on where there is no Redis at all', async () => {
    const { told } = await open(`redis://127.0.0.1:${await freePort()}`);
    expect(told).toEqual([undefined]);
  });
});
