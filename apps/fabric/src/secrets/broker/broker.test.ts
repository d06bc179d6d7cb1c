import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it, vi } from 'vitest';
import { ADMIN, crypto, openHouse, USE } from './broker.fixture.ts';
import { createHttpBroker } from './create-http-broker.ts';
import { LiveFingerprints } from './live-fingerprints.ts';
import { serveFingerprints } from './serve-fingerprints.ts';

const OLD = 'first-9fQ2mZr7Lw4XbC1v';
const NEW = 'second-Ns8HjE5uYp3KdG6a';
const SIDECAR = { tenant: 'acme', principal: 'sidecar-1', roles: ['secrets-sidecar'], details: {} };

const use = (name: string, field: string | null = null) => ({ tenant: 'acme', name, field, ...USE });

describe('a broker beside the secrets service', () => {
  it('gives a value once its use is on record', async () => {
    const { broker, write, accesses } = await openHouse();
    await write('api/token', { value: OLD, user: 'a user of it' });
    expect(await broker.resolve(use('api/token'))).toBe(OLD);
    expect(await broker.resolve(use('api/token', 'user'))).toBe('a user of it');
    expect(accesses.at(-1)).toMatchObject({
      action: 'USE',
      result: 'SUCCESS',
      secret: 'api/token',
      details: { tool: 'http_get', for: 'agent-1', session: 's', certificate: 'c', field: 'user' },
    });
    expect(JSON.stringify(accesses)).not.toContain(OLD);
  });

  it('gives nothing of another tenant, nothing that is not there, and nothing too short to be guarded', async () => {
    const { broker, write } = await openHouse();
    await write('api/token', { value: OLD }, 'globex');
    await write('pin', { value: '1234567' });
    await expect(broker.resolve(use('api/token'))).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
    await expect(broker.resolve(use('../globex/api/token'))).rejects.toThrow('expected');
    await expect(broker.resolve(use('pin'))).rejects.toThrow('at least 8 characters');
  });

  it('finds what was just written, in the same tenant alone', async () => {
    const { broker, write } = await openHouse();
    expect(await broker.exposedIn('acme', { text: OLD })).toEqual([]);
    await write('api/token', { value: OLD });
    expect(await broker.exposedIn('acme', { text: `it is ${OLD}!` })).toEqual([
      { name: 'api/token', pointer: '/text' },
    ]);
    expect(await broker.exposedIn('globex', { text: OLD })).toEqual([]);
    expect(await broker.exposedIn('a tenant/that may have none', { text: OLD })).toEqual([]);
  });

  it('finds the old value and the new one after a rotation, and a staged one', async () => {
    const { broker, write, secrets } = await openHouse();
    await write('api/token', { value: OLD });
    await write('api/token', { value: NEW });
    const place = await secrets.admit(ADMIN, 'rotate', { tenant: 'acme', name: 'api/token' });
    await secrets.provider.stage(place, { token: 't', value: { value: 'third-W2xT8vQ5rB1n' } });
    for (const value of [OLD, NEW, 'third-W2xT8vQ5rB1n'])
      expect(await broker.exposedIn('acme', value)).toHaveLength(1);
  });

  it('gives no value of another replica that it would not know again, and reads that secret before', async () => {
    const { broker, fingerprints, provider, write, secrets } = await openHouse();
    const connection = (password: string) => ({ value: `Server=db.internal.example;Password=${password}` });
    await write('api/token', connection('old-9fQ2mZr7Lw4X'));
    expect(await broker.exposedIn('acme', 'nothing')).toEqual([]);
    // Past the use cases, so that nobody tells of it, and past the cache, which keeps no old version but this one.
    const place = await secrets.admit(ADMIN, 'read', { tenant: 'acme', name: 'api/token' });
    await provider.write(place, connection('new-Ns8HjE5uYp3K'), { author: 'elsewhere', description: '' });
    expect(await broker.resolve(use('api/token'))).toContain('new-Ns8HjE5uYp3K');
    expect(await broker.exposedIn('acme', 'it is new-Ns8HjE5uYp3K')).toHaveLength(1);
    expect(await fingerprints.know('acme', 'api/token', 'something else altogether')).toBe(false);
  });

  it('gives what is no secret of a key pair too, and does not look for it', async () => {
    const { broker, write } = await openHouse();
    const publicKey =
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAbm9ib2R5IGhhcyB0aGlzIGtleSBhdCBhbGwh\n-----END PUBLIC KEY-----\n';
    await write('api/key', { value: OLD, public_key: publicKey });
    expect(await broker.resolve(use('api/key', 'public_key'))).toBe(publicKey);
    expect(await broker.exposedIn('acme', publicKey)).toEqual([]);
  });

  it('finds a value that was removed for a while, since its target may take it still', async () => {
    const { broker, write, secrets, time } = await openHouse();
    await write('api/token', { value: OLD });
    expect(await broker.exposedIn('acme', OLD)).toHaveLength(1);
    await secrets.remove(ADMIN, { tenant: 'acme', name: 'api/token' });
    expect(await broker.exposedIn('acme', OLD)).toHaveLength(1);
    time.now += 2 * 3_600_000;
    await broker.exposedIn('acme', OLD);
    time.now += 2 * 3_600_000;
    expect(await broker.exposedIn('acme', OLD)).toEqual([]);
  });

  it('reads the secrets again only where something has changed, or half a minute is over', async () => {
    const { broker, write, accesses, time } = await openHouse();
    await write('api/token', { value: OLD });
    const walks = () =>
      accesses.filter(({ action, result }) => action === 'FINGERPRINT' && result === 'SUCCESS').length;
    for (let call = 0; call < 5; call += 1) await broker.exposedIn('acme', 'text');
    expect(walks()).toBe(1);
    await Promise.all([1, 2, 3].map(() => broker.exposedIn('acme', 'text')));
    await write('other', { value: NEW });
    await Promise.all([1, 2, 3].map(() => broker.exposedIn('acme', 'text')));
    expect(walks()).toBe(2);
    time.now += 31_000;
    await broker.exposedIn('acme', 'text');
    await vi.waitFor(() => expect(walks()).toBe(3));
    time.now += 61_000;
    await broker.exposedIn('acme', 'text');
    expect(walks()).toBe(4);
  });

  it('forgets the tenants that acted longest ago where there is no room, and reads them again', async () => {
    const { secrets, write, time } = await openHouse();
    await write('api/token', { value: OLD });
    await write('api/token', { value: NEW }, 'globex');
    const random = (length: number) => Buffer.alloc(length, 3);
    const small = new LiveFingerprints({ secrets, crypto, random, now: () => time.now, maxBytes: 1 });
    const named = async (tenant: string, value: string) =>
      (await small.of(tenant)).scanner.findExposed(value).length;
    expect(await named('acme', OLD)).toBe(1);
    expect(await named('globex', NEW)).toBe(1);
    expect(await named('acme', OLD)).toBe(1);
    small.close();
  });

  it('finds nothing where it cannot read: it rejects, and reads again the next time', async () => {
    const { broker, write, rows } = await openHouse();
    await write('api/token', { value: OLD });
    const names = rows.names.bind(rows);
    rows.names = () => Promise.reject(new Error('down'));
    await expect(broker.exposedIn('acme', OLD)).rejects.toThrow();
    rows.names = names;
    expect(await broker.exposedIn('acme', OLD)).toHaveLength(1);
  });

  it('goes on for a minute by what it has where the secrets cannot be read any more, and no longer', async () => {
    const { broker, write, rows, time } = await openHouse();
    await write('api/token', { value: OLD });
    expect(await broker.exposedIn('acme', OLD)).toHaveLength(1);
    rows.names = () => Promise.reject(new Error('down'));
    for (const seconds of [31, 20, 8]) {
      time.now += seconds * 1000;
      expect(await broker.exposedIn('acme', OLD)).toHaveLength(1);
    }
    time.now += 2000;
    await expect(broker.exposedIn('acme', OLD)).rejects.toThrow();
  });
});

describe('a broker in another process', () => {
  async function twin() {
    const house = await openHouse();
    const served = serveFingerprints(house);
    const asked: string[] = [];
    let isDown = false;
    const ask = async (path: string, body: JsonObject): Promise<JsonValue> => {
      if (isDown) throw new Error('down');
      const { tenant, secret, etag, ...request } = body as Record<string, string>;
      if (path === '/internal/secrets/use') {
        const target = { tenant: tenant as string, name: secret as string };
        return { ...(await house.secrets.use(SIDECAR, target, request as never)) };
      }
      const answer = await served.of(SIDECAR, tenant as string, etag ?? null);
      asked.push(answer.fingerprints === null ? 'same' : 'sent');
      return JSON.parse(JSON.stringify(answer)) as JsonValue;
    };
    const broker = createHttpBroker({ crypto, ask, now: () => house.time.now });
    const goDown = () => {
      isDown = true;
    };
    return { ...house, broker, served, asked, goDown };
  }

  it('finds values from fingerprints that hold none, and is sent them once', async () => {
    const { broker, write, asked, time } = await twin();
    await write('api/token', { value: OLD });
    const found = await Promise.all([1, 2, 3].map(() => broker.exposedIn('acme', { a: OLD })));
    expect(found).toEqual(Array(3).fill([{ name: 'api/token', pointer: '/a' }]));
    time.now += 1_000;
    await broker.exposedIn('acme', 'x');
    await write('api/other', { value: NEW });
    time.now += 1_000;
    expect(await broker.exposedIn('acme', NEW)).toHaveLength(1);
    expect(asked).toEqual(['sent', 'same', 'sent']);
  });

  it('knows a value again from the moment it has it, however lately it asked', async () => {
    const { broker, write, asked } = await twin();
    await write('api/token', { value: OLD });
    await broker.exposedIn('acme', 'x');
    await write('api/token', { value: NEW });
    // While an answer from before the change is on its way.
    const [value] = await Promise.all([broker.resolve(use('api/token')), broker.exposedIn('acme', 'x')]);
    expect(value).toBe(NEW);
    expect(await broker.exposedIn('acme', NEW)).toHaveLength(1);
    expect(asked).toEqual(['sent', 'sent']);
  });

  it('is on record with the fingerprints that it was sent', async () => {
    const { broker, write, accesses } = await twin();
    await write('api/token', { value: OLD });
    await broker.exposedIn('acme', 'x');
    expect(accesses.at(-1)).toMatchObject({
      principal: SIDECAR.principal,
      action: 'FINGERPRINT',
      result: 'SUCCESS',
    });
  });

  it('gets one value at a time, of a secret that the tenant has', async () => {
    const { broker, write } = await twin();
    await write('api/token', { value: OLD });
    expect(await broker.resolve(use('api/token'))).toBe(OLD);
    await expect(broker.resolve(use('api/none'))).rejects.toThrow();
  });

  it('rejects where the service does not answer, once what it has is too old', async () => {
    const { broker, write, goDown, time } = await twin();
    await write('api/token', { value: OLD });
    await broker.exposedIn('acme', 'x');
    goDown();
    expect(await broker.exposedIn('acme', OLD)).toHaveLength(1);
    time.now += 1_000;
    await expect(broker.exposedIn('acme', 'x')).rejects.toThrow('down');
    await expect(broker.resolve(use('api/token'))).rejects.toThrow('down');
  });

  it('is refused fingerprints without the role', async () => {
    const { served } = await twin();
    const viewer = { ...SIDECAR, roles: ['secrets-viewer'] };
    await expect(served.of(viewer, 'acme', null)).rejects.toMatchObject({ code: 'SECRET_FORBIDDEN' });
    await expect(served.of({ ...SIDECAR, tenant: 'globex' }, 'acme', null)).rejects.toThrow();
  });
});
