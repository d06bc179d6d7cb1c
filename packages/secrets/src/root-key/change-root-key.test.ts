import { randomBytes } from 'node:crypto';
import { MemorySecretRows, newTenant, placeOf } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { fixedSource, openProcess } from '../embedded/embedded.fixture.ts';
import { changeRootKey } from './change-root-key.ts';
import { rootKeyFromFile } from './file-source.ts';
import { fakeDyingRows } from './root-key.fixture.ts';

const BY = { author: 'alice' };
const [OLD, NEW] = [fixedSource(7), fixedSource(99)];

async function houseWithTenants(count: number) {
  const rows = new MemorySecretRows();
  const { provider, rootKeys } = await openProcess(rows, OLD);
  const places = Array.from({ length: count }, () => placeOf('db', newTenant()));
  for (const place of places) await provider.write(place, { v: place.tenant }, BY);
  return { rows, provider, rootKeys, places };
}

describe('changing the root key', () => {
  it('leaves every secret readable under the new key alone', async () => {
    const { rows, rootKeys, provider, places } = await houseWithTenants(4);
    const change = await changeRootKey({ rows, rootKeys, random: randomBytes }, NEW);
    expect(change.rewrapped).toBe(4);
    expect(rows.roots.map(({ rootKeyId }) => rootKeyId)).toEqual([change.to]);
    await expect(openProcess(rows, OLD)).rejects.toMatchObject({ code: 'SECRETS_SEALED' });
    const after = await openProcess(rows, NEW);
    for (const place of places) {
      expect((await after.provider.read(place)).value).toEqual({ v: place.tenant });
      expect((await provider.read(place)).value).toEqual({ v: place.tenant });
    }
    expect((await provider.write(placeOf(), { v: 'new tenant' }, BY)).version).toBe(1);
  });

  it('goes on after dying at any step, and both keys open meanwhile', async () => {
    const steps = 1 + 3 + 1;
    for (let nth = 1; nth <= steps; nth++)
      for (const when of ['before', 'after'] as const) {
        const { rows, places } = await houseWithTenants(3);
        const dying = fakeDyingRows(rows, nth, when);
        const first = await openProcess(dying, OLD);
        await expect(
          changeRootKey({ rows: dying, rootKeys: first.rootKeys, random: randomBytes }, NEW),
        ).rejects.toThrow();

        const isOver = nth === steps && when === 'after';
        const { provider, rootKeys } = await openProcess(rows, isOver ? NEW : OLD);
        rootKeys.standBy(NEW);
        for (const place of places)
          expect((await provider.read(place)).value, `${nth} ${when}`).toEqual({ v: place.tenant });
        await provider.write(placeOf(), { v: 'a tenant that came meanwhile' }, BY);
        if (!isOver) await changeRootKey({ rows, rootKeys, random: randomBytes }, NEW);
        expect(rows.roots).toHaveLength(1);
        const after = await openProcess(rows, NEW);
        for (const place of places)
          expect((await after.provider.read(place)).value).toEqual({ v: place.tenant });
      }
  });

  it('is refused with the key there is, and with a third while one is under way', async () => {
    const { rows, rootKeys } = await houseWithTenants(2);
    const options = { rows, rootKeys, random: randomBytes };
    await expect(changeRootKey(options, OLD)).rejects.toMatchObject({ code: 'SECRET_REQUEST_INVALID' });
    const dying = fakeDyingRows(rows, 1, 'before');
    await expect(changeRootKey({ ...options, rows: dying }, NEW)).rejects.toThrow();
    await expect(changeRootKey(options, fixedSource(50))).rejects.toMatchObject({ code: 'SECRET_CONFLICT' });
    await changeRootKey(options, NEW);
  });

  it('is followed by a replica that has the new key standing by, and seals one that has not', async () => {
    const { rows, rootKeys, places } = await houseWithTenants(2);
    const [ready, unready] = [await openProcess(rows, OLD), await openProcess(rows, OLD)];
    ready.rootKeys.standBy(rootKeyFromFile('/nowhere/to/be/found'));
    ready.rootKeys.standBy(NEW);
    await changeRootKey({ rows, rootKeys, random: randomBytes }, NEW);
    const [place] = places;
    if (place === undefined) throw new Error('no place');
    expect((await ready.provider.read(place)).value).toEqual({ v: place.tenant });
    await expect(unready.provider.read(place)).rejects.toMatchObject({ code: 'SECRETS_SEALED' });
    expect((await ready.provider.write(placeOf(), { v: '1' }, BY)).version).toBe(1);
    expect(rows.roots).toHaveLength(1);
  });
});

describe("changing a tenant's key", () => {
  it('goes on after dying at any step, and loses no version nor what is staged', async () => {
    const steps = 1 + 3 + 1;
    for (let nth = 1; nth <= steps; nth++)
      for (const when of ['before', 'after'] as const) {
        const rows = new MemorySecretRows();
        const { provider } = await openProcess(rows);
        const tenant = newTenant();
        const places = ['a', 'b', 'c'].map((name) => placeOf(name, tenant));
        for (const place of places) {
          await provider.write(place, { v: 'one' }, BY);
          await provider.write(place, { v: 'two' }, BY);
          await provider.stage(place, { token: 't', value: { v: 'staged' } });
        }
        const [before] = await rows.tenantKeys(tenant);
        const dying = await openProcess(fakeDyingRows(rows, nth, when));
        await dying.provider.rekeyTenant(tenant).catch(() => undefined);

        const other = await openProcess(rows);
        await other.provider.rekeyTenant(tenant);
        const keys = await rows.tenantKeys(tenant);
        expect(keys, `${nth} ${when}`).toHaveLength(1);
        expect(keys[0]?.keyId).not.toBe(before?.keyId);
        for (const reader of [provider, other.provider])
          for (const place of places) {
            expect((await reader.read(place)).value).toEqual({ v: 'two' });
            expect((await reader.read(place, 1)).value).toEqual({ v: 'one' });
            expect(await reader.staged(place)).toEqual({ token: 't', value: { v: 'staged' } });
          }
        expect((await provider.write(placeOf('a', tenant), { v: 'three' }, BY)).version).toBe(3);
      }
  });
});
