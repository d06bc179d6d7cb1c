import { randomBytes } from 'node:crypto';
import { MemorySecretRows, placeOf } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import type { SecretRows } from '../ports.ts';
import { openHouse, openProcess } from './embedded.fixture.ts';
import { createEmbeddedProvider } from './embedded-provider.ts';

const BY = { author: 'alice' };

describe('a write', () => {
  it('that others have gone on from before it was told so has not failed', async () => {
    const rows = new MemorySecretRows();
    const other = (await openProcess(rows)).provider;
    const place = placeOf('db/primary');
    await other.write(place, { v: '1' }, { author: 'alice' });
    let meanwhile = async () => undefined as unknown;
    const slow: SecretRows = new Proxy(rows, {
      get(target, property) {
        if (property !== 'change') {
          const member: unknown = Reflect.get(target, property);
          return typeof member === 'function' ? member.bind(target) : member;
        }
        return async (...args: Parameters<SecretRows['change']>) => {
          const done = await target.change(...args);
          await meanwhile();
          return done;
        };
      },
    });
    const { provider } = await openProcess(slow);
    meanwhile = async () => {
      meanwhile = async () => undefined;
      await other.write(place, { v: '3' }, { author: 'alice' });
      await provider.read(place);
    };
    expect((await provider.write(place, { v: '2' }, { author: 'alice' })).version).toBe(2);
    expect((await provider.read(place)).value.v).toBe('3');
  });
});

describe('the embedded provider', () => {
  it('keeps as many versions as its metadata says, and drops the values of the rest', async () => {
    const { rows, rootKeys } = await openHouse();
    const provider = createEmbeddedProvider({
      rows,
      rootKeys,
      clock: Date.now,
      random: randomBytes,
      maxVersions: 3,
    });
    const place = placeOf();
    for (let at = 0; at < 5; at++) await provider.write(place, { v: String(at) }, BY);
    const kept = async () =>
      (await rows.read(place.tenant, place.name, 'all'))?.values.map(({ slot }) => slot);
    expect(await kept()).toEqual([3, 4, 5]);
    await provider.changeMetadata(place, { maxVersions: 1 });
    await provider.write(place, { v: 'last' }, BY);
    expect(await kept()).toEqual([6]);
    for (const maxVersions of [0, 101, 1.5])
      await expect(provider.changeMetadata(place, { maxVersions })).rejects.toMatchObject({
        code: 'SECRET_REQUEST_INVALID',
      });
  });

  it('refuses a head that would not fit its row, and the secret stays as it was', async () => {
    const { provider } = await openHouse();
    const place = placeOf();
    await provider.write(place, { v: '0' }, { ...BY, metadata: { maxVersions: 100 } });
    const description = '\u0001'.repeat(512);
    const writes = async () => {
      for (let at = 0; at < 100; at++) await provider.write(place, { v: String(at) }, { ...BY, description });
    };
    await expect(writes()).rejects.toMatchObject({ code: 'SECRET_REQUEST_INVALID' });
    const { version } = await provider.read(place);
    await provider.changeMetadata(place, { maxVersions: 5 });
    expect((await provider.write(place, { v: 'again' }, BY)).version).toBe(version.version + 1);
  });

  it('makes no key for a tenant that only asks', async () => {
    const { rows, provider } = await openHouse();
    const place = placeOf();
    await expect(provider.read(place)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
    await provider.list(place.tenant, { prefix: '', limit: 1 });
    await provider.remove(place);
    expect(await rows.tenantKeys(place.tenant)).toEqual([]);
    expect(await provider.rekeyTenant(place.tenant)).toEqual({ secrets: 0 });
  });

  it('tells a store that does not answer by its own code, and keeps what it said to itself', async () => {
    const { rows } = await openHouse();
    const { provider } = await openProcess(
      new Proxy(rows, {
        get: (target, property) =>
          property === 'read' || property === 'names'
            ? () => Promise.reject(new Error('password=canary'))
            : (Reflect.get(target, property) as unknown),
      }),
    );
    const place = placeOf();
    for (const work of [
      provider.read(place),
      provider.write(place, { v: '1' }, BY),
      provider.list(place.tenant, { prefix: '', limit: 1 }),
    ])
      await expect(work).rejects.toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        message: expect.not.stringContaining('canary'),
      });
  });
});
