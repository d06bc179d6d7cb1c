import { newTenant, placeOf } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';
import { type EmbeddedHouse, openHouse, openProcess } from './embedded.fixture.ts';

const BY = { author: 'alice' };

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error) => (error instanceof SecretError ? error.code : String(error)),
  );
}

/** Somebody who may read and write every row, and has no key. */
describe('whoever may write to the rows', () => {
  let house: EmbeddedHouse;
  let place: SecretPlace;

  const secretsOf = (tenant: string) => {
    const secrets = house.rows.tenantsByName.get(tenant)?.secrets;
    if (secrets === undefined) throw new Error('no such tenant');
    return secrets;
  };
  const rowOf = ({ tenant, name }: SecretPlace) => {
    const row = secretsOf(tenant).get(name);
    if (row === undefined) throw new Error('no such row');
    return row;
  };
  const valueRow = (of: SecretPlace, slot: number) => {
    const value = rowOf(of).values.get(slot);
    if (value === undefined) throw new Error('no such value');
    return value;
  };
  /** As another process sees it, which has seen nothing before. */
  const afresh = async () => (await openProcess(house.rows)).provider;

  beforeEach(async () => {
    house = await openHouse();
    place = placeOf('db/primary');
    await house.provider.write(place, { v: 'one' }, BY);
    await house.provider.write(place, { v: 'two' }, BY);
  });

  it('finds no value, field, tag or author in the rows', async () => {
    await house.provider.write(
      place,
      { canaryfield: 'canaryvalue' },
      {
        author: 'canaryauthor',
        description: 'canarywords',
        metadata: { tags: { canarytag: 'canarytext' } },
      },
    );
    await house.provider.stage(place, { token: 'canarytoken', value: { canaryfield: 'canaryvalue' } });
    const { head, values } = rowOf(place);
    const rows = [head.sealed, ...[...values.values()].flatMap((value) => [value.sealed, value.wrappedKey])];
    for (const bytes of rows) expect(Buffer.from(bytes).toString('latin1')).not.toContain('canary');
  });

  it('cannot swap the values of two versions', async () => {
    const values = new Map(rowOf(place).values);
    values.set(1, { ...valueRow(place, 2), slot: 1 });
    values.set(2, { ...valueRow(place, 1), slot: 2 });
    secretsOf(place.tenant).set(place.name, { ...rowOf(place), values });
    for (const provider of [house.provider, await afresh()]) {
      expect(await codeOf(provider.read(place))).toBe('PROVIDER_INCONSISTENT');
      expect(await codeOf(provider.read(place, 1))).toBe('PROVIDER_INCONSISTENT');
    }
  });

  it('cannot swap the secrets of two names, or put one in the place of another', async () => {
    const other = { ...place, name: placeOf('db/other').name };
    await house.provider.write(other, { v: 'other' }, BY);
    const [mine, theirs] = [rowOf(place), rowOf(other)];
    secretsOf(place.tenant).set(place.name, theirs).set(other.name, mine);
    const provider = await afresh();
    expect(await codeOf(provider.read(place))).toBe('PROVIDER_INCONSISTENT');
    expect(await codeOf(provider.read(other))).toBe('PROVIDER_INCONSISTENT');
    expect(await codeOf(provider.describe(place))).toBe('PROVIDER_INCONSISTENT');
    expect(await codeOf(provider.write(place, { v: 'x' }, BY))).toBe('PROVIDER_INCONSISTENT');
  });

  it('cannot hand one tenant the secret of another, with its key row or without', async () => {
    const other = { tenant: newTenant(), name: place.name };
    await house.provider.write(other, { v: 'other' }, BY);
    secretsOf(other.tenant).set(other.name, rowOf(place));
    expect(await codeOf((await afresh()).read(other))).toBe('PROVIDER_INCONSISTENT');
    const [key] = house.rows.tenantsByName.get(place.tenant)?.keys.values() ?? [];
    const keys = house.rows.tenantsByName.get(other.tenant)?.keys;
    if (key !== undefined) keys?.set(key.keyId, key);
    expect(await codeOf((await afresh()).read(other))).toBe('PROVIDER_INCONSISTENT');
  });

  it('cannot make an older version current', async () => {
    const row = rowOf(place);
    secretsOf(place.tenant).set(place.name, { ...row, head: { ...row.head, latest: 1 } });
    for (const provider of [house.provider, await afresh()])
      expect(await codeOf(provider.read(place))).toBe('PROVIDER_INCONSISTENT');
  });

  it('cannot put back the whole secret as it was, while a process runs that has seen it', async () => {
    const old = rowOf(place);
    await house.provider.write(place, { v: 'three' }, BY);
    secretsOf(place.tenant).set(place.name, old);
    expect(await codeOf(house.provider.read(place))).toBe('PROVIDER_INCONSISTENT');
    expect(await codeOf(house.provider.write(place, { v: 'four' }, BY))).toBe('PROVIDER_INCONSISTENT');
  });

  it('cannot put values of a removed secret into the one that was written anew', async () => {
    const old = rowOf(place);
    await house.provider.remove(place);
    await house.provider.write(place, { v: 'new' }, BY);
    const row = rowOf(place);
    secretsOf(place.tenant).set(place.name, { ...row, values: old.values });
    expect(await codeOf((await afresh()).read(place))).toBe('PROVIDER_INCONSISTENT');
  });

  it('cannot undelete, unstage or destroy by taking rows away unseen', async () => {
    const row = rowOf(place);
    secretsOf(place.tenant).set(place.name, { ...row, values: new Map() });
    expect(await codeOf((await afresh()).read(place))).toBe('PROVIDER_INCONSISTENT');
  });

  it('cannot flip a bit anywhere', async () => {
    const row = rowOf(place);
    const [value, provider] = [valueRow(place, 2), await afresh()];
    const fields = [row.head.sealed, value.sealed, value.wrappedKey];
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 }), fc.nat(), fc.nat({ max: 7 }), async (field, at, bit) => {
        const changed = fields.map((bytes) => Uint8Array.from(bytes));
        const target = changed[field] as Uint8Array;
        target[at % target.length] = (target[at % target.length] as number) ^ (1 << bit);
        const [sealedHead, sealed, wrappedKey] = changed as [Uint8Array, Uint8Array, Uint8Array];
        secretsOf(place.tenant).set(place.name, {
          head: { ...row.head, sealed: sealedHead },
          values: new Map([[2, { ...value, sealed, wrappedKey }]]),
        });
        expect(await codeOf(provider.read(place))).toBe('PROVIDER_INCONSISTENT');
      }),
      { numRuns: 150 },
    );
  });
});

describe('several processes on the same rows', () => {
  it('lose no write and make no key twice', async () => {
    const { rows, provider } = await openHouse();
    const { provider: other } = await openProcess(rows);
    const place = placeOf('shared');
    const written = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        (at % 2 === 0 ? provider : other).write(place, { v: String(at) }, BY),
      ),
    );
    expect(written.map(({ version }) => version).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await rows.tenantKeys(place.tenant)).toHaveLength(1);
    expect((await provider.read(place)).value).toEqual((await other.read(place)).value);
  });

  it('read what the other wrote, staged, promoted and removed', async () => {
    const { rows, provider } = await openHouse();
    const { provider: other } = await openProcess(rows);
    const place = placeOf('shared');
    await provider.write(place, { v: '1' }, BY);
    await other.stage(place, { token: 't', value: { v: '2' } });
    await provider.promote(place, 't', BY);
    expect((await other.read(place)).value).toEqual({ v: '2' });
    await provider.remove(place);
    await provider.write(place, { v: 'anew' }, { ...BY, cas: 0 });
    expect((await other.read(place)).value).toEqual({ v: 'anew' });
    expect((await other.read(place)).version.version).toBe(1);
  });
});

describe('erasing a tenant', () => {
  it('leaves nothing that any process can open, and the tenant may begin anew', async () => {
    const { rows, provider } = await openHouse();
    const { provider: other } = await openProcess(rows);
    const place = placeOf('db');
    await provider.write(place, { v: '1' }, BY);
    const kept = structuredClone(rows.tenantsByName.get(place.tenant)?.secrets);
    await other.read(place);
    await provider.eraseTenant(place.tenant);
    expect(await codeOf(other.read(place))).toBe('SECRET_NOT_FOUND');
    // The other process still has the erased key in memory: what it seals under it is refused, and it learns.
    expect((await other.write(place, { v: '2' }, { ...BY, cas: 0 })).version).toBe(1);
    expect((await provider.read(place)).value).toEqual({ v: '2' });
    const restored = rows.tenantsByName.get(place.tenant)?.secrets;
    for (const [name, secret] of kept ?? []) restored?.set(name, secret);
    expect(await codeOf((await openProcess(rows)).provider.read(place))).toBe('PROVIDER_INCONSISTENT');
  });
});
