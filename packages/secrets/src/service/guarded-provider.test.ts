import { describe, expect, it } from 'vitest';
import { SecretError } from '../errors.ts';
import { asSecretName } from '../names.ts';
import type { SecretProvider } from '../provider.ts';
import { ADMIN, fakeFaulty, openSecretsHouse } from './service.fixture.ts';

const DB = { tenant: 'acme', name: 'db/primary' };
const QUICK = { timeoutMs: 60, retries: 2, pauseMs: 1, maxConcurrent: 4, maxWaiting: 6 };
const UNAVAILABLE = { code: 'PROVIDER_UNAVAILABLE' };

async function faultyHouse(faults: (real: SecretProvider) => Partial<SecretProvider>) {
  let on = false;
  const house = await openSecretsHouse({
    guard: QUICK,
    cache: { ttlMs: 1, doubtMs: 30_000 },
    around: (real) =>
      new Proxy(real, {
        get: (target, property) =>
          Reflect.get(on ? fakeFaulty(target, faults(target)) : target, property) as unknown,
      }),
  });
  await house.secrets.write(ADMIN, DB, { value: { v: 'one' } });
  await house.secrets.write(ADMIN, DB, { value: { v: 'two' } });
  on = true;
  house.asked.length = 0;
  return house;
}

describe('a provider that is slow', () => {
  it('ends in time, by name, and the failure is on record', async () => {
    const { secrets, audit } = await faultyHouse(() => ({ read: () => new Promise(() => undefined) }));
    await expect(secrets.read(ADMIN, DB)).rejects.toMatchObject(UNAVAILABLE);
    expect(audit.told.at(-1)).toBe('READ FAILURE PROVIDER_UNAVAILABLE');
  });

  it('is not asked by more at a time than it can take, and the rest is refused at once', async () => {
    const places = Array.from({ length: 10 }, (_, at) => ({ tenant: 'acme', name: `k${at}` }));
    let running = 0;
    let most = 0;
    const { secrets } = await faultyHouse((real) => ({
      describe: async (place) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return real.describe(place);
      },
    }));
    const results = await Promise.allSettled(places.map((place) => secrets.describe(ADMIN, place)));
    const messages = results.map((result) => (result.status === 'rejected' ? String(result.reason) : ''));
    expect(most).toBe(2);
    expect(messages.filter((message) => message.includes('too many'))).toHaveLength(5);
    await expect(secrets.describe(ADMIN, DB)).resolves.toMatchObject({ name: DB.name });
  });

  it('keeps nobody waiting but the tenant that it is slow for', async () => {
    const { secrets } = await faultyHouse((real) => ({
      read: (place, version) =>
        place.tenant === DB.tenant ? new Promise(() => undefined) : real.read(place, version),
    }));
    const other = { ...ADMIN, tenant: 'globex' };
    const place = { ...DB, tenant: 'globex' };
    await secrets.write(other, place, { value: { v: 'theirs' } });
    const crowd = Promise.allSettled(Array.from({ length: 50 }, (_, at) => secrets.read(ADMIN, DB, at + 1)));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await secrets.read(other, place)).value).toEqual({ v: 'theirs' });
    await crowd;
  });

  it('loses its place for good work only: what never ends gives the place back', async () => {
    const { secrets } = await faultyHouse(() => ({ describe: () => new Promise(() => undefined) }));
    await Promise.allSettled(Array.from({ length: 5 }, () => secrets.describe(ADMIN, DB)));
    await new Promise((resolve) => setTimeout(resolve, 4 * QUICK.timeoutMs + 20));
    expect((await secrets.read(ADMIN, DB)).value).toEqual({ v: 'two' });
  });
});

describe('a provider that is down', () => {
  it('is asked again where a repeat is safe', async () => {
    let failures = 2;
    const { secrets } = await faultyHouse((real) => ({
      read: async (place, version) => {
        if (failures-- > 0) throw new SecretError('PROVIDER_UNAVAILABLE', 'connection reset');
        return real.read(place, version);
      },
    }));
    expect((await secrets.read(ADMIN, DB)).value).toEqual({ v: 'two' });
  });

  it('is not asked to write again, since that might be a second version', async () => {
    let writes = 0;
    const { secrets } = await faultyHouse(() => ({
      write: async () => {
        writes += 1;
        throw new Error('socket hang up: password=canary');
      },
    }));
    await expect(secrets.write(ADMIN, DB, { value: { v: '3' } })).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.not.stringContaining('canary'),
    });
    expect(writes).toBe(1);
  });

  it('is not trusted to have failed: what a write may yet change is not kept', async () => {
    const { secrets, asked } = await faultyHouse(() => ({
      write: () => Promise.reject(new SecretError('PROVIDER_UNAVAILABLE', 'time-out')),
    }));
    await secrets.write(ADMIN, DB, { value: { v: '3' } }).catch(() => undefined);
    for (let read = 0; read < 3; read++) await secrets.read(ADMIN, DB);
    expect(asked.filter((name) => name === 'read')).toHaveLength(3);
  });
});

describe('a provider that lies', () => {
  it.each([
    ['another version', 1],
    ['a version by another id', 'v1700000000000-abcdef'],
  ] as const)('is found out: %s', async (_, reference) => {
    const { secrets } = await faultyHouse((real) => ({ read: (place) => real.read(place, 2) }));
    await expect(secrets.read(ADMIN, DB, reference)).rejects.toMatchObject({ code: 'PROVIDER_INCONSISTENT' });
  });

  it('is found out: an old version as current', async () => {
    const { secrets } = await faultyHouse((real) => ({ read: (place) => real.read(place, 1) }));
    await expect(secrets.read(ADMIN, DB)).rejects.toMatchObject({ code: 'PROVIDER_INCONSISTENT' });
  });

  it('is found out: what is no value, and the message says nothing of it', async () => {
    const { secrets } = await faultyHouse((real) => ({
      read: async (place, version) => ({
        ...(await real.read(place, version)),
        value: { 'no field': 'canary' },
      }),
    }));
    await expect(secrets.read(ADMIN, DB)).rejects.toMatchObject({
      code: 'PROVIDER_INCONSISTENT',
      message: expect.not.stringContaining('canary'),
    });
  });

  it("is found out: another secret's description, names that were not asked for", async () => {
    const { secrets } = await faultyHouse((real) => ({
      describe: async (place) => ({ ...(await real.describe(place)), name: asSecretName('other') }),
      list: async () => ({ names: [asSecretName('other')], cursor: null }),
    }));
    await expect(secrets.describe(ADMIN, DB)).rejects.toMatchObject({ code: 'PROVIDER_INCONSISTENT' });
    await expect(secrets.list(ADMIN, 'acme', { prefix: 'db' })).rejects.toMatchObject({
      code: 'PROVIDER_INCONSISTENT',
    });
  });
});

describe('health', () => {
  it('tells what is wrong, also when the provider does not answer', async () => {
    const { secrets } = await faultyHouse(() => ({ health: () => Promise.reject(new Error('x')) }));
    expect(await secrets.health()).toEqual({ sealed: false, problems: ['the provider does not answer'] });
  });

  it('is well with an open store', async () => {
    const { secrets } = await openSecretsHouse();
    expect(await secrets.health()).toEqual({ sealed: false, problems: [] });
  });
});
