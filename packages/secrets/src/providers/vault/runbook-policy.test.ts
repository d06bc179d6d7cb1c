import { placeOf, WIDER_POLICY } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { openVault } from './vault.fixture.ts';

const BY = { author: 'alice' };

describe("under the runbook's policy `valuecanvas-production`", () => {
  it('writes, reads, lists, describes, tags, rotates and removes', async () => {
    const { provider, vault } = await openVault();
    const place = placeOf('db/primary');
    await provider.write(
      place,
      { username: 'u', password: 'one' },
      { ...BY, metadata: { sensitivity: 'high' } },
    );
    await provider.write(
      place,
      { username: 'u', password: 'two' },
      { ...BY, cas: 1, description: 'by hand' },
    );
    await provider.changeMetadata(place, { tags: { team: 'data' }, casRequired: true });
    await provider.stage(place, { token: 'rotation-1', value: { username: 'u', password: 'three' } });
    expect((await provider.promote(place, 'rotation-1', BY)).version).toBe(3);
    await provider.stage(place, { token: 'rotation-2', value: { username: 'u', password: 'four' } });
    await provider.discard(place, 'rotation-2');
    expect((await provider.read(place)).value).toEqual({ username: 'u', password: 'three' });
    const { versions, metadata } = await provider.describe(place);
    expect(versions.map(({ version, description }) => `${version} ${description}`)).toEqual([
      '3 ',
      '2 by hand',
      '1 ',
    ]);
    expect(metadata).toEqual({
      sensitivity: 'high',
      tags: { team: 'data' },
      maxVersions: 10,
      casRequired: true,
    });
    expect((await provider.list(place.tenant, { prefix: '', limit: 10 })).names).toEqual(['db/primary']);
    await provider.remove(place);
    expect(vault.kv.list('production/')).toMatchObject({ status: 404 });
  });

  it('updates a key that is there: check-and-set is the version that was read, never 0', async () => {
    const { provider } = await openVault();
    const place = placeOf();
    for (const v of ['1', '2', '3']) await provider.write(place, { v }, BY);
    expect((await provider.read(place)).version.version).toBe(3);
  });

  it('names path and capability of what it forbids', async () => {
    const { provider } = await openVault();
    const place = placeOf();
    for (const v of ['1', '2']) await provider.write(place, { v }, BY);
    const path = (kind: string) => `secret/${kind}/production/tenants/${place.tenant}/db/primary`;
    for (const [work, kind] of [
      [() => provider.deleteVersions(place, [1]), 'delete'],
      [() => provider.destroy(place, [1]), 'destroy'],
      [() => provider.changeMetadata(place, { maxVersions: 20 }), 'metadata'],
    ] as const) {
      const error = await work().catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'PROVIDER_FORBIDDEN' });
      expect(error.message).toContain(`\`update\` on \`${path(kind)}\``);
    }
    expect((await provider.describe(place)).versions.map(({ state }) => state)).toEqual([
      'current',
      'previous',
    ]);
  });

  it('deletes the current version, and remembers who wrote it', async () => {
    const { provider } = await openVault();
    const place = placeOf();
    for (const v of ['1', '2']) await provider.write(place, { v }, BY);
    await provider.deleteVersions(place, [2]);
    await expect(provider.read(place)).rejects.toMatchObject({ code: 'SECRET_DELETED' });
    const [newest] = (await provider.describe(place)).versions;
    expect(newest).toMatchObject({ version: 2, state: 'deleted', createdBy: 'alice' });
    await expect(provider.undelete(place, [2])).rejects.toMatchObject({ code: 'PROVIDER_FORBIDDEN' });
    expect((await provider.write(place, { v: '3' }, { ...BY, cas: 2 })).version).toBe(3);
  });

  it.each([-60_000, 60_000])('deletes and undeletes with a clock that is %i ms from ours', async (skew) => {
    const { provider } = await openVault({ skew, role: { policy: WIDER_POLICY } });
    const place = placeOf();
    for (const v of ['1', '2']) await provider.write(place, { v }, BY);
    await provider.deleteVersions(place, [1, 2]);
    await expect(provider.read(place, 1)).rejects.toMatchObject({ code: 'SECRET_DELETED' });
    expect((await provider.describe(place)).versions.map(({ state }) => state)).toEqual([
      'deleted',
      'deleted',
    ]);
    await provider.undelete(place, [1, 2]);
    expect((await provider.read(place, 1)).value).toEqual({ v: '1' });
    const narrow = await openVault({ skew });
    await narrow.provider.write(place, { v: '1' }, BY);
    await narrow.provider.deleteVersions(place, [1]);
    await expect(narrow.provider.read(place)).rejects.toMatchObject({ code: 'SECRET_DELETED' });
  });

  it('says so when a version that was written at that moment was deleted in place of the one meant', async () => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    const path = `production/tenants/${place.tenant}/db/primary`;
    vault.trap((method) => method === 'POST' && (vault.asked.at(-1) ?? '').includes('secret/delete/'), {
      kind: 'answer',
      status: 403,
      body: '{}',
    });
    const deleting = provider.deleteVersions(place, [1]);
    while (!vault.asked.some((asked) => asked.startsWith('POST secret/delete/')))
      await new Promise(setImmediate);
    vault.kv.write(path, { data: { v: '2' }, options: { cas: 1 } });
    await expect(deleting).rejects.toMatchObject({ code: 'PROVIDER_INCONSISTENT' });
  });

  it('keeps more or fewer versions where a wider policy lets it', async () => {
    const { provider } = await openVault({ role: { policy: WIDER_POLICY } });
    const place = placeOf();
    await provider.write(place, { v: '0' }, { ...BY, metadata: { maxVersions: 2 } });
    for (const v of ['1', '2', '3']) await provider.write(place, { v }, BY);
    const { versions, metadata } = await provider.describe(place);
    expect(versions.map(({ version }) => version)).toEqual([4, 3]);
    expect(metadata.maxVersions).toBe(2);
  });

  it('makes a secret anew without the metadata and the staged value of the one before', async () => {
    const { provider } = await openVault();
    const place = placeOf();
    await provider.write(
      place,
      { v: '1' },
      { ...BY, metadata: { casRequired: true, sensitivity: 'critical' } },
    );
    await provider.stage(place, { token: 'rotation-1', value: { v: '2' } });
    await provider.remove(place);
    expect((await provider.write(place, { v: 'anew' }, BY)).version).toBe(1);
    expect((await provider.read(place)).metadata).toMatchObject({
      casRequired: false,
      sensitivity: 'medium',
    });
    expect(await provider.staged(place)).toBeNull();
  });

  it('makes a secret that others removed anew without its metadata', async () => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    await provider.write(
      place,
      { v: '1' },
      { ...BY, metadata: { casRequired: true, sensitivity: 'critical' } },
    );
    vault.kv.remove(`production/tenants/${place.tenant}/db/primary`);
    expect((await provider.write(place, { v: 'anew' }, BY)).version).toBe(1);
    expect((await provider.read(place)).metadata).toMatchObject({
      casRequired: false,
      sensitivity: 'medium',
    });
  });

  it('reads what others wrote without us, and keeps its fields in the versions', async () => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    const path = `production/tenants/${place.tenant}/db/primary`;
    vault.kv.write(path, { data: { username: 'u', port: 5432, tls: true } });
    const { value, version } = await provider.read(place);
    expect(value).toEqual({ username: 'u', port: '5432', tls: 'true' });
    expect(version).toMatchObject({ version: 1, createdBy: 'unknown' });
    vault.kv.write(path, { data: { nested: { deeper: 'x' } } });
    await expect(provider.read(place)).rejects.toMatchObject({ code: 'SECRET_VALUE_INVALID' });
    expect((await provider.write(place, { v: 'ours' }, { ...BY, cas: 2 })).version).toBe(3);
  });

  it('leaves a newer rotation its value when an older one discards late', async () => {
    const { provider, vault } = await openVault();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    await provider.stage(place, { token: 'old-rotation', value: { v: 'old' } });
    const late = provider.discard(place, 'old-rotation');
    while (!vault.asked.some((asked) => asked.startsWith('DELETE'))) await new Promise(setImmediate);
    await provider.stage(place, { token: 'new-rotation', value: { v: 'new' } });
    await late;
    await provider.discard(place, 'old-rotation');
    expect(await provider.staged(place)).toEqual({ token: 'new-rotation', value: { v: 'new' } });
  });
});
