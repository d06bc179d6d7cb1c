import type { SecretPlace } from '@provability-fabric/secrets';
import { describe, expect, it } from 'vitest';
import { codeOf, type ProviderSuite } from './provider-suite.ts';
import { placeOf } from './secret-places.ts';

const BY = { author: 'alice' };
const VERSION_ID = /^v\d{13}-[0-9a-z]{6}$/;

/** Versions: which there are, which is current, and who may replace which. */
export function versionContract(suite: ProviderSuite): void {
  const writeMany = async (place: SecretPlace, count: number) => {
    for (let at = 1; at <= count; at++) await suite.provider.write(place, { v: `value ${at}` }, BY);
  };

  describe('versions', () => {
    it('refuses a write upon a version that is no longer current, and overwrites nothing by it', async () => {
      const { provider } = suite;
      const place = placeOf();
      expect(await codeOf(provider.write(place, { v: 'x' }, { ...BY, cas: 1 }))).toMatch(
        /^SECRET_(CONFLICT|NOT_FOUND)$/,
      );
      expect((await provider.write(place, { v: '1' }, { ...BY, cas: 0 })).version).toBe(1);
      expect(await codeOf(provider.write(place, { v: 'x' }, { ...BY, cas: 0 }))).toBe('SECRET_CONFLICT');
      expect((await provider.write(place, { v: '2' }, { ...BY, cas: 1 })).version).toBe(2);
      for (const cas of [0, 1, 3])
        expect(await codeOf(provider.write(place, { v: 'x' }, { ...BY, cas }))).toBe('SECRET_CONFLICT');
      expect((await provider.write(place, { v: '3' }, BY)).version).toBe(3);
      expect((await provider.read(place)).value).toEqual({ v: '3' });
    });

    it('lets one of two writers upon the same version win', async () => {
      const { provider } = suite;
      const place = placeOf();
      await provider.write(place, { v: '0' }, BY);
      const codes = await Promise.all(
        ['a', 'b', 'c'].map((v) => codeOf(provider.write(place, { v }, { ...BY, cas: 1 }))),
      );
      expect(codes.filter((code) => code === 'none')).toHaveLength(1);
      expect(codes.filter((code) => code !== 'none')).toEqual(['SECRET_CONFLICT', 'SECRET_CONFLICT']);
      const winner = ['a', 'b', 'c'][codes.indexOf('none')];
      expect((await provider.read(place)).value).toEqual({ v: winner });
      expect((await provider.describe(place)).versions.map(({ version }) => version)).toEqual([2, 1]);
    });

    it('loses no write of several that name no version', async () => {
      const { provider } = suite;
      const place = placeOf();
      await provider.write(place, { v: '0' }, BY);
      const written = await Promise.all(
        ['a', 'b', 'c', 'd'].map(async (v) => ({ v, info: await provider.write(place, { v }, BY) })),
      );
      expect(written.map(({ info }) => info.version).sort()).toEqual([2, 3, 4, 5]);
      for (const { v, info } of written) expect((await provider.read(place, info.id)).value).toEqual({ v });
    });

    it('keeps the newest ten of eleven', async () => {
      const { provider } = suite;
      const place = placeOf();
      await writeMany(place, 11);
      const { versions } = await provider.describe(place);
      expect(versions.map(({ version }) => version)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
      expect(versions.map(({ state }) => state)).toEqual(['current', ...Array(9).fill('previous')]);
      expect(await codeOf(provider.read(place, 1))).toBe('SECRET_VERSION_NOT_FOUND');
      expect((await provider.read(place, 2)).value).toEqual({ v: 'value 2' });
    });

    it('knows a version by its number and by its id', async () => {
      const { provider } = suite;
      const place = placeOf();
      const first = await provider.write(place, { v: '1' }, { ...BY, description: 'the first' });
      const second = await provider.write(place, { v: '2' }, { author: 'bob' });
      expect(first).toMatchObject({
        version: 1,
        createdBy: 'alice',
        description: 'the first',
        state: 'current',
      });
      expect(first.id).toMatch(VERSION_ID);
      expect(second.id).not.toBe(first.id);
      const { versions } = await provider.describe(place);
      expect(versions).toEqual([second, { ...first, state: 'previous' }]);
      for (const { version, id } of versions) {
        const byNumber = await provider.read(place, version);
        expect(await provider.read(place, id)).toEqual(byNumber);
        expect(byNumber.value).toEqual({ v: String(version) });
        expect(byNumber.version.id).toBe(id);
      }
      for (const unknown of [3, 0, -1, 1.5, 'v1700000000000-zzzzzz', 'latest', '1?x', '../1'])
        expect(await codeOf(provider.read(place, unknown)), String(unknown)).toBe('SECRET_VERSION_NOT_FOUND');
    });

    it('answers the newest as current after an older one was read', async () => {
      const { provider } = suite;
      const place = placeOf();
      await writeMany(place, 3);
      expect((await provider.read(place, 1)).value).toEqual({ v: 'value 1' });
      expect((await provider.read(place)).value).toEqual({ v: 'value 3' });
      expect((await provider.read(place, 'current')).version).toMatchObject({ version: 3, state: 'current' });
    });

    it('deletes and undeletes versions, or says that it cannot', async () => {
      const { provider } = suite;
      const place = placeOf();
      await writeMany(place, 2);
      if (!provider.features.deletesVersions) {
        expect(await codeOf(provider.deleteVersions(place, [1]))).toBe('PROVIDER_UNSUPPORTED');
        expect(await codeOf(provider.undelete(place, [1]))).toBe('PROVIDER_UNSUPPORTED');
        return;
      }
      await provider.deleteVersions(place, [1]);
      await provider.deleteVersions(place, [1]);
      expect(await codeOf(provider.read(place, 1))).toBe('SECRET_DELETED');
      expect((await provider.describe(place)).versions.map(({ state }) => state)).toEqual([
        'current',
        'deleted',
      ]);
      expect((await provider.read(place)).value).toEqual({ v: 'value 2' });
      await provider.deleteVersions(place, [2]);
      expect(await codeOf(provider.read(place))).toBe('SECRET_DELETED');
      await provider.undelete(place, [1, 2]);
      await provider.undelete(place, [1, 2]);
      expect((await provider.read(place, 1)).value).toEqual({ v: 'value 1' });
      expect((await provider.read(place)).value).toEqual({ v: 'value 2' });
    });

    it('destroys versions for good, or says that it cannot', async () => {
      const { provider } = suite;
      const place = placeOf();
      await writeMany(place, 2);
      if (!provider.features.destroysVersions) {
        expect(await codeOf(provider.destroy(place, [1]))).toBe('PROVIDER_UNSUPPORTED');
        return;
      }
      await provider.destroy(place, [1]);
      await provider.destroy(place, [1]);
      expect(await codeOf(provider.read(place, 1))).toBe('SECRET_DESTROYED');
      if (provider.features.deletesVersions) await provider.undelete(place, [1]);
      expect(await codeOf(provider.read(place, 1))).toBe('SECRET_DESTROYED');
      expect((await provider.describe(place)).versions.map(({ state }) => state)).toEqual([
        'current',
        'destroyed',
      ]);
      expect((await provider.read(place)).value).toEqual({ v: 'value 2' });
    });

    it('removes a secret with all its versions, and again without complaint', async () => {
      const { provider } = suite;
      const place = placeOf();
      await writeMany(place, 2);
      await provider.remove(place);
      await provider.remove(place);
      expect(await codeOf(provider.read(place))).toBe('SECRET_NOT_FOUND');
      expect(await codeOf(provider.read(place, 1))).toBe('SECRET_NOT_FOUND');
      expect(await codeOf(provider.describe(place))).toBe('SECRET_NOT_FOUND');
      expect((await provider.list(place.tenant, { prefix: '', limit: 10 })).names).toEqual([]);
    });

    it('changes the metadata that is named and keeps the rest', async () => {
      const { provider } = suite;
      const place = placeOf();
      await provider.write(place, { v: '1' }, BY);
      expect((await provider.describe(place)).metadata).toEqual({
        sensitivity: 'medium',
        tags: {},
        maxVersions: 10,
        casRequired: false,
      });
      await provider.changeMetadata(place, { tags: { team: 'data', 'cost/centre': '7' } });
      const changed = await provider.changeMetadata(place, { sensitivity: 'critical' });
      const expected = {
        sensitivity: 'critical',
        tags: { team: 'data', 'cost/centre': '7' },
        maxVersions: 10,
        casRequired: false,
      };
      expect(changed).toEqual(expected);
      await provider.write(place, { v: '2' }, { ...BY, metadata: { casRequired: true } });
      expect((await provider.describe(place)).metadata).toEqual({ ...expected, casRequired: true });
      expect((await provider.read(place)).metadata).toEqual({ ...expected, casRequired: true });
      expect(await codeOf(provider.write(place, { v: '3' }, BY))).toBe('SECRET_CONFLICT');
      expect((await provider.write(place, { v: '3' }, { ...BY, cas: 2 })).version).toBe(3);
      expect((await provider.read(place, 1)).value).toEqual({ v: '1' });
    });

    it('can be written again, or says that it cannot, when the answer to a write was lost', async () => {
      const { provider, underTest } = suite;
      if (underTest.loseNextAnswer === undefined) return;
      const place = placeOf();
      await provider.write(place, { v: '1' }, BY);
      underTest.loseNextAnswer();
      const code = await codeOf(provider.write(place, { v: '2' }, { ...BY, cas: 1 }));
      expect(code).toMatch(/^(none|PROVIDER_UNAVAILABLE)$/);
      if (code !== 'none')
        expect(await codeOf(provider.write(place, { v: '2' }, { ...BY, cas: 1 }))).toMatch(
          /^(none|SECRET_CONFLICT)$/,
        );
      expect((await provider.read(place)).value).toEqual({ v: '2' });
      expect((await provider.describe(place)).versions.map(({ version }) => version)).toEqual([2, 1]);
    });
  });
}
