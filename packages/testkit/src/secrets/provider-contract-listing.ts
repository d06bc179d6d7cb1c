import { asSecretName, type SecretTenant } from '@provability-fabric/secrets';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf, type ProviderSuite } from './provider-suite.ts';
import { newTenant } from './secret-places.ts';

const NAMES = [
  ...Array.from({ length: 23 }, (_, at) => `app/key-${String(at).padStart(2, '0')}`),
  'app',
  'app.other',
  'Zebra',
  'app_last',
  'db/primary',
  'db/replica/eu',
  'zoo',
];

/** Lists: complete, in order, in pages of any size. */
export function listingContract(suite: ProviderSuite): void {
  describe('lists', () => {
    let tenant: SecretTenant;
    const sorted = [...NAMES].sort((a, b) => (a < b ? -1 : 1));
    beforeAll(async () => {
      tenant = newTenant();
      for (const name of [...NAMES].reverse())
        await suite.provider.write({ tenant, name: asSecretName(name) }, { v: '1' }, { author: 'alice' });
    });

    async function pages(prefix: string, limit: number): Promise<readonly (readonly string[])[]> {
      const found: (readonly string[])[] = [];
      let cursor: string | null = null;
      do {
        const page = await suite.provider.list(tenant, { prefix, limit, ...(cursor !== null && { cursor }) });
        found.push(page.names);
        cursor = page.cursor;
      } while (cursor !== null && found.length < 100);
      return found;
    }

    it.each([1, 2, 3, 7, 30, 1000])('is complete and in order in pages of %i', async (limit) => {
      const found = await pages('', limit);
      expect(found.flat()).toEqual(sorted);
      expect(found.length).toBeLessThanOrEqual(Math.ceil(NAMES.length / limit) + 1);
      for (const page of found) expect(page.length).toBeLessThanOrEqual(limit);
    });

    it.each(['app', 'app/', 'app/key-1', 'db/replica/eu', 'a', 'nothing'])(
      'has what begins with `%s` and nothing else',
      async (prefix) => {
        for (const limit of [2, 1000])
          expect((await pages(prefix, limit)).flat()).toEqual(
            sorted.filter((name) => name.startsWith(prefix)),
          );
      },
    );

    it('refuses prefixes and cursors that are paths, wildcards or not its own', async () => {
      const ask = (prefix: string, cursor?: string) =>
        codeOf(suite.provider.list(tenant, { prefix, limit: 10, ...(cursor !== undefined && { cursor }) }));
      for (const prefix of ['../', 'a/../', '%', 'a%', 'app?list=true', "a'", 'a\u0000', '*'])
        expect(await ask(prefix), prefix).toBe('SECRET_NAME_INVALID');
      for (const cursor of ['../../t2', "' or 1=1", '\u0000', 'x'.repeat(10_000)])
        expect(await ask('', cursor)).toBe('SECRET_REQUEST_INVALID');
    });
  });
}
