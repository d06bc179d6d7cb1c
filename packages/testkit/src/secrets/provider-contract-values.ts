import type { SecretValue } from '@provability-fabric/secrets';
import { describe, expect, it } from 'vitest';
import { codeOf, type ProviderSuite } from './provider-suite.ts';
import { HOSTILE_NAMES, newTenant, placeOf, uncheckedPlace } from './secret-places.ts';

const BY = { author: 'alice' };
/** Room that the house leaves below AWS' 65,536 bytes. */
const LARGEST_JSON = 61_440;

function valueOfBytes(bytes: number): SecretValue {
  return { v: 'x'.repeat(bytes - '{"v":""}'.length) };
}

/** What goes in comes out, and nothing else does. */
export function valueContract(suite: ProviderSuite): void {
  describe('values and names', () => {
    it('refuses names and tenants that are paths, queries or look-alikes, before its store is asked', async () => {
      const { provider } = suite;
      for (const name of HOSTILE_NAMES) {
        const place = uncheckedPlace(name);
        const codes = await Promise.all([
          codeOf(provider.read(place)),
          codeOf(provider.write(place, { v: '1' }, BY)),
          codeOf(provider.describe(place)),
          codeOf(provider.changeMetadata(place, { sensitivity: 'low' })),
          codeOf(provider.deleteVersions(place, [1])),
          codeOf(provider.undelete(place, [1])),
          codeOf(provider.destroy(place, [1])),
          codeOf(provider.remove(place)),
          codeOf(provider.stage(place, { token: 'a-token-of-16-ch', value: { v: '1' } })),
          codeOf(provider.staged(place)),
          codeOf(provider.promote(place, 'a-token-of-16-ch', BY)),
          codeOf(provider.discard(place, 'a-token-of-16-ch')),
        ]);
        expect(new Set(codes), JSON.stringify(name)).toEqual(new Set(['SECRET_NAME_INVALID']));
      }
      for (const tenant of ['', '../t', 't/u', 't?x', 't%2fu', 't\u0000', 'т'])
        expect(await codeOf(provider.read(uncheckedPlace('db', tenant)))).toBe('SECRET_NAME_INVALID');
    });

    it('gives back odd texts as they are', async () => {
      const { provider } = suite;
      const place = placeOf();
      const value: SecretValue = {
        quotes: `"'\`\\ \${x} {{y}} %s`,
        lines: 'a\nb\r\n\tc\u0000\u001f',
        scripts: 'пароль 密码 🔑 e\u0301 é \u202e \u200b \ufeff',
        empty: '',
        json: '{"a":[1,null]}',
        constructor: 'own',
        toString: 'own too',
      };
      await provider.write(place, value, BY);
      expect((await provider.read(place)).value).toEqual(value);
    });

    it('takes the largest value that is allowed, and refuses one byte more', async () => {
      const { provider } = suite;
      const place = placeOf();
      await provider.write(place, valueOfBytes(LARGEST_JSON), BY);
      expect((await provider.read(place)).value).toEqual(valueOfBytes(LARGEST_JSON));
      expect(await codeOf(provider.write(place, valueOfBytes(LARGEST_JSON + 1), BY))).toBe(
        'SECRET_VALUE_INVALID',
      );
      expect(await codeOf(provider.write(place, {}, BY))).toBe('SECRET_VALUE_INVALID');
      expect((await provider.describe(place)).versions).toHaveLength(1);
    });

    it('answers one tenant nothing of another, by any method', async () => {
      const { provider } = suite;
      const [mine, others] = [placeOf('shared/name'), placeOf('shared/name')];
      await provider.write(mine, { v: 'mine' }, BY);
      expect(await codeOf(provider.read(others))).toBe('SECRET_NOT_FOUND');
      expect(await codeOf(provider.describe(others))).toBe('SECRET_NOT_FOUND');
      expect(await codeOf(provider.changeMetadata(others, { sensitivity: 'low' }))).toBe('SECRET_NOT_FOUND');
      expect((await provider.list(others.tenant, { prefix: '', limit: 100 })).names).toEqual([]);
      await provider.write(others, { v: 'theirs' }, { ...BY, cas: 0 });
      await provider.remove(others);
      expect((await provider.read(mine)).value).toEqual({ v: 'mine' });
    });

    it('says that a secret is not there by its code', async () => {
      const { provider } = suite;
      const place = placeOf('never/written');
      expect(await codeOf(provider.read(place))).toBe('SECRET_NOT_FOUND');
      expect(await codeOf(provider.read(place, 1))).toBe('SECRET_NOT_FOUND');
      expect(await codeOf(provider.describe(place))).toBe('SECRET_NOT_FOUND');
      expect(await codeOf(provider.changeMetadata(place, { sensitivity: 'low' }))).toBe('SECRET_NOT_FOUND');
      expect(await codeOf(provider.stage(place, { token: 'a-token-of-16-ch', value: { v: '1' } }))).toBe(
        'SECRET_NOT_FOUND',
      );
    });

    it('puts no part of a value into an error or a log', async () => {
      const { provider, underTest } = suite;
      const canary = `canary-${newTenant()}-7f3kq9`;
      const place = placeOf('canaries/one');
      await provider.write(place, { v: canary }, BY);
      const failures = [
        provider.write(place, { v: canary }, { ...BY, cas: 0 }),
        provider.write(place, { 'not a field': canary }, BY),
        provider.write(place, { v: canary + 'x'.repeat(LARGEST_JSON) }, BY),
        provider.write(place, { v: `${canary}\ud800` }, BY),
        provider.write(uncheckedPlace(`../${canary}`), { v: canary }, BY),
        provider.read(place, 99),
        provider.read(place, `v1700000000000-zzzzzz`),
        provider.promote(place, 'no-such-token-16', BY),
      ];
      const results = await Promise.allSettled(failures);
      for (const result of results) {
        expect(result.status).toBe('rejected');
        const { reason } = result as PromiseRejectedResult;
        for (let error = reason; error instanceof Error; error = error.cause)
          expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`.includes(canary)).toBe(false);
      }
      expect(underTest.logged?.().includes(canary) ?? false).toBe(false);
    });
  });
}
