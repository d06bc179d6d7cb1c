import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeInvalidationsContract, describeRateLimitsContract } from '@provability-fabric/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { connections, isConnected, LIMITS } from './connections.fixture.ts';
import { openRedis } from './redis.ts';
import {
  describeWithRedis,
  freePort,
  PASSWORD,
  type RedisServer,
  startRedisServer,
} from './redis-server.fixture.ts';

let server: RedisServer;
const connect = connections(() => server.url);
let prefixes = 0;
const newPrefix = () => `test-${++prefixes}:`;

describeWithRedis('a real redis-server', () => {
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  describeInvalidationsContract('Redis', async () => {
    const open = () => openRedis({ url: server.url, limits: LIMITS, emit: () => undefined });
    const [one, another] = [await open(), await open()];
    await vi.waitUntil(() => one.invalidations.connected() && another.invalidations.connected());
    const close = async () => {
      await one.close();
      await another.close();
    };
    return { one: one.invalidations, another: another.invalidations, close };
  });

  describeRateLimitsContract('Redis', async (limits) => {
    const prefix = newPrefix();
    const [one, another] = [await connect({ limits, prefix }), await connect({ limits, prefix })];
    return { one: one.redis.limits, another: another.redis.limits, close: async () => undefined };
  });

  it('lets nobody in with a wrong password, and shows it nowhere', async () => {
    const url = server.url.replace(/:[^:@]+@/, ':wr0ng@');
    const { redis, events } = await connect({ url });
    expect(redis.invalidations.connected()).toBe(false);
    expect(await redis.limits.take('acme', 'x')).toEqual({ ok: true });
    expect(redis.problems()).not.toEqual([]);
    expect(JSON.stringify([events, redis.problems()])).not.toContain('wr0ng');
  });

  it('hears nothing in what no replica says', async () => {
    const prefix = newPrefix();
    const one = await connect({ prefix });
    await expect.poll(() => isConnected(one)).toBe(true);
    const before = one.heard.length;
    const hostile = [
      'x',
      '{}',
      '[]',
      '["acme"]',
      '["acme","db",1]',
      '[1,2]',
      '["acme",{"length":1}]',
      '["acme","../t2/db"]',
      '["a/b","db"]',
      '["acme","k?version=1"]',
      `["acme","${'x'.repeat(2_000)}"]`,
      '[["acme"],["db"]]',
      '{"__proto__":["acme","db"]}',
    ];
    for (const message of hostile) server.command('publish', `${prefix}changed:1`, message);
    server.command('publish', `${prefix}changed:1`, 'x'.repeat(100_000));
    server.command('publish', `${prefix}changed:2`, '["acme","db"]');
    server.command('publish', `${prefix}changed:1`, '["acme","after"]');
    await expect.poll(() => one.heard.slice(before).filter((name) => name !== null)).toEqual(['after']);
    expect(one.events).toContainEqual({ event: 'redis.messages-refused', count: 1 });
    expect(one.events.filter(({ event }) => event === 'redis.messages-refused')).toHaveLength(1);
  });

  it('keeps no name of a tenant or principal in its keys, and keeps no key for longer than the window', async () => {
    const prefix = newPrefix();
    const { redis } = await connect({ prefix, limits: { ...LIMITS, windowSeconds: 30 } });
    await redis.limits.take('acme-of-the-keys', 'agent-of-the-keys');
    const keys = server.command('keys', `${prefix}*`).split('\n');
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(key).not.toContain('of-the-keys');
      expect(Number(server.command('ttl', key))).toBeGreaterThan(0);
    }
  });

  it('cannot let a replica give more than the limit by forgetting its counts', async () => {
    const prefix = newPrefix();
    const { redis } = await connect({ prefix });
    let given = 0;
    for (let at = 0; at < 20; at++) {
      given += (await redis.limits.take('acme', 'agent')).ok ? 1 : 0;
      for (const key of server.command('keys', `${prefix}*`).split('\n')) server.command('del', key);
    }
    expect(given).toBe(5);
  });

  it('shares no count and no message with a fabric of another prefix', async () => {
    const [one, other] = [await connect({ prefix: newPrefix() }), await connect({ prefix: newPrefix() })];
    await expect.poll(() => isConnected(one) && isConnected(other)).toBe(true);
    for (let at = 0; at < 5; at++) expect((await one.redis.limits.take('acme', 'agent')).ok).toBe(true);
    expect((await other.redis.limits.take('acme', 'agent')).ok).toBe(true);
    await one.redis.invalidations.publish('acme', 'mine');
    await expect.poll(() => one.heard).toContain('mine');
    expect(other.heard).not.toContain('mine');
  });

  it('is reached over TLS by whom its authority vouches for, and by nobody else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-tls-'));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'ca.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const pair = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      certificate,
    ];
    execFileSync('openssl', ['req', '-x509', '-days', '1', ...subject, ...pair], { stdio: 'ignore' });
    const port = await freePort();
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
    const own = await startRedisServer(['--tls-port', `${port}`, '--tls-auth-clients', 'no', ...files]);
    try {
      const url = `rediss://:${encodeURIComponent(PASSWORD)}@localhost:${port}`;
      const trusting = await connect({ url, ca: readFileSync(certificate, 'utf8') });
      await expect.poll(() => isConnected(trusting)).toBe(true);
      const doubting = await connect({ url });
      expect(isConnected(doubting)).toBe(false);
      expect(own.command('client', 'list', 'type', 'pubsub').split('\n')).toHaveLength(1);
    } finally {
      await own.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
