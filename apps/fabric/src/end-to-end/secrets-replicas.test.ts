import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@provability-fabric/storage';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  describeWithRedis,
  type RedisServer,
  startRedisServer,
} from '../../../../packages/storage/src/redis/redis-server.fixture.ts';
import { Agent, ARTICLE } from './agent.fixture.ts';
import { buildPrograms } from './built-programs.fixture.ts';
import { Deployment, type Services } from './fabric-services.fixture.ts';
import { get, token } from './http-client.fixture.ts';
import { compiledBundle, temporaryFolder } from './pf-process.fixture.ts';
import { type RotationTarget, startRotationTarget } from './rotation-target.fixture.ts';
import { SecretsClient } from './secrets-client.fixture.ts';

// Secrets services with data folders of their own on one database and one Redis, keys shared as docs/how-to/share-a-ledger.md says.
const OLDEST_MS = 1_000;

describeWithRedis('two secrets services on one database', () => {
  let folder: string;
  let postgres: EmbeddedPostgres;
  let redis: RedisServer;
  let target: RotationTarget;
  let environment: Record<string, string>;
  let a: Services;
  let b: Services;
  let atA: SecretsClient;
  let atB: SecretsClient;
  let first: Deployment;
  const others: Services[] = [];

  beforeAll(async () => {
    await buildPrograms();
    folder = temporaryFolder();
    [postgres, redis, target] = await Promise.all([
      startEmbeddedPostgres({ directory: join(folder, 'postgres'), emit: () => undefined }),
      startRedisServer(),
      startRotationTarget(),
    ]);
    environment = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      SECRETS_ROOT_KEY_FILE: rootKey('root-key'),
      SECRETS_WEBHOOK_LOOPBACK: 'true',
    };
    const bundle = await compiledBundle('quickstart');
    first = new Deployment({ bundle });
    a = first.serve(['secrets'], { env: environment });
    const urlOfA = await a.url('secrets');
    b = (await withItsKeys()).serve(['secrets'], { env: environment });
    atA = await SecretsClient.of(urlOfA, first.data);
    atB = await SecretsClient.of(await b.url('secrets'), first.data);
  });
  afterAll(async () => {
    await Promise.all([a, b, ...others].map((services) => services?.stop()));
    await Promise.all([postgres?.stop(), redis?.stop(), target?.close()]);
  });

  function rootKey(name: string): string {
    const path = join(folder, name);
    writeFileSync(path, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    return path;
  }

  async function withItsKeys(): Promise<Deployment> {
    const deployment = new Deployment({ bundle: await compiledBundle('quickstart') });
    const [from, to] = [join(first.data, 'keys'), join(deployment.data, 'keys')];
    mkdirSync(to, { recursive: true, mode: 0o700 });
    const shared = readdirSync(from).filter((name) =>
      /^(?:ledger\..*|token\..*|record\..*\.key|evidence\..*\.vk)$/.test(name),
    );
    for (const name of shared) cpSync(join(from, name), join(to, name));
    return deployment;
  }

  const valueAt = async (client: SecretsClient) =>
    ((await client.read('shared/key')).body.value as { value: string } | undefined)?.value;

  /** Writes at one, and reads at the other until it has it: how old what it showed was at most. */
  async function lag(at: SecretsClient, elsewhere: SecretsClient, value: string): Promise<number> {
    const before = await valueAt(elsewhere);
    expect(await at.write('shared/key', value)).toMatchObject({ status: 200 });
    const written = performance.now();
    expect(await valueAt(at)).toBe(value);
    for (let stale = 0; ; ) {
      const asked = performance.now();
      const read = await valueAt(elsewhere);
      if (read === value) return stale;
      expect(read).toBe(before);
      stale = asked - written;
      expect(stale).toBeLessThan(OLDEST_MS);
    }
  }

  it('read at one at once what was written at the other, also from memory', async () => {
    for (const service of [a, b]) await service.logged('redis.connected');
    const lags: number[] = [];
    for (let round = 0; round < 10; round++)
      lags.push(await (round % 2 === 0 ? lag(atA, atB, `${round}`) : lag(atB, atA, `${round}`)));
    expect(Math.max(...lags)).toBeLessThan(OLDEST_MS / 2);
    const both = [atA, atB].map((client) => client.write('shared/key', 'both', { cas: lags.length }));
    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('run a rotation once that both were asked for', async () => {
    await atA.write('shared/rotated', 'before');
    const request = { rotator: 'webhook', options: target.options, gracePeriodHours: 0, waitMs: 10_000 };
    const asked = await Promise.all([atA, atB].map((client) => client.rotate('shared/rotated', request)));
    const ids = new Set(asked.map(({ body }) => body.rotation_id).filter((id) => id !== undefined));
    expect([...ids]).toHaveLength(1);
    const [id] = ids;
    const ended = { body: { phase: expect.stringMatching(/^(?:grace|done)$/) } };
    expect(await atB.rotationEnds(id)).toMatchObject(ended);
    const { body } = await atB.read('shared/rotated');
    expect(body).toMatchObject({ version: { version: 2 }, value: target.provisioned.get(`${id}`) });
    expect(new Set(target.told).size).toBe(target.told.length);
  });

  it('count accesses together', async () => {
    const greedy = await Promise.all(
      [a, b].map(async (each) =>
        SecretsClient.of(await each.url('secrets'), first.data, { principal: 'greedy' }),
      ),
    );
    const keys = () => redis.command('keys', '*limit:principal:*').split('\n');
    const known = keys();
    await greedy[0]?.read('shared/key');
    const [counter] = keys().filter((key) => !known.includes(key));
    redis.command('set', `${counter}`, '20000', 'px', '2000');
    for (const client of greedy)
      expect(await client.read('shared/key')).toMatchObject({
        status: 429,
        body: { code: 'SECRET_RATE_LIMITED' },
      });
    expect(await atA.read('shared/key')).toMatchObject({ status: 200 });
    const limited = (await atA.accesses()).filter(
      ({ principal, result }) => principal === 'greedy' && result === 'DENIED',
    );
    expect(limited).toMatchObject([
      { error_code: 'SECRET_RATE_LIMITED' },
      { error_code: 'SECRET_RATE_LIMITED' },
    ]);
  });

  it('show nothing older than a second once Redis is gone, and count by themselves', async () => {
    await redis.kill();
    for (const [service, client] of [
      [a, atA],
      [b, atB],
    ] as const) {
      await service.logged('redis.lost');
      expect(await client.read('shared/key')).toMatchObject({ status: 200 });
      await service.logged('redis.limits-in-process');
    }
    for (const value of ['alone 1', 'alone 2']) await lag(atA, atB, value);
    expect(await get(`${await b.url('secrets')}/health`)).toMatchObject({ status: 200 });
  });

  it('stay sealed, and say so, with another root key; those with the right one go on', async () => {
    const env = { ...environment, SECRETS_ROOT_KEY_FILE: rootKey('wrong-key') };
    const wrong = (await withItsKeys()).serve(['secrets'], { env });
    others.push(wrong);
    const url = await wrong.url('secrets');
    expect(await wrong.logged('secrets_sealed')).toMatchObject({ tags: ['ERROR'] });
    const health = await get(`${url}/health`);
    expect(health.status).toBe(503);
    expect(JSON.stringify(health.body)).toContain('sealed');
    const client = await SecretsClient.of(url, first.data);
    expect(await client.read('shared/key')).toMatchObject({ status: 503, body: { code: 'SECRETS_SEALED' } });
    expect(await client.write('new/key', 'x')).toMatchObject({
      status: 503,
      body: { code: 'SECRETS_SEALED' },
    });
    expect(await valueAt(atA)).toBe('alone 2');
    expect(await atB.read('new/key')).toMatchObject({ status: 404 });
  });

  it('stop no agent of a fabric that was given no root key', async () => {
    const { SECRETS_ROOT_KEY_FILE: _, ...env } = environment;
    const deployment = await withItsKeys();
    const fabric = deployment.serve([], { env });
    others.push(fabric);
    const agent = new Agent(await fabric.url('sidecar-watcher'), await token(deployment.data, { sid: 's' }));
    expect(await agent.act(ARTICLE)).toMatchObject({ status: 200, body: { effect: 'allow' } });
    const client = await SecretsClient.of(await fabric.url('secrets'), first.data);
    expect(await client.read('shared/key')).toMatchObject({ status: 503, body: { code: 'SECRETS_SEALED' } });
  });
});
