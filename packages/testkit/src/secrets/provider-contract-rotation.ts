import { describe, expect, it } from 'vitest';
import { codeOf, type ProviderSuite } from './provider-suite.ts';
import { placeOf } from './secret-places.ts';

const BY = { author: 'system:rotation' };
const [TOKEN, OTHER] = ['4f9d2c51-7a3e-4b1d-9c55-0e1f2a3b4c5d', '8a1b6e02-1c4d-4f7a-b3e9-5d6c7b8a9f01'];

/** Staged values: beside the current one until they are promoted, whatever is repeated. */
export function rotationContract(suite: ProviderSuite): void {
  const secretToRotate = async () => {
    const place = placeOf('rotated/one');
    await suite.provider.write(place, { v: 'old', user: 'u' }, { author: 'alice' });
    return place;
  };
  const NEW = { v: 'new', user: 'u' };

  describe('staged values', () => {
    it('keeps a staged value out of sight until it is promoted', async () => {
      const { provider } = suite;
      const place = await secretToRotate();
      expect(await provider.staged(place)).toBeNull();
      await provider.stage(place, { token: TOKEN, value: NEW });
      expect(await provider.staged(place)).toEqual({ token: TOKEN, value: NEW });
      expect((await provider.read(place)).value.v).toBe('old');
      expect((await provider.describe(place)).versions.map(({ version }) => version)).toEqual([1]);
      expect((await provider.list(place.tenant, { prefix: '', limit: 10 })).names).toEqual([place.name]);
      const promoted = await provider.promote(place, TOKEN, { ...BY, description: 'rotated' });
      expect(promoted).toMatchObject({ version: 2, state: 'current', createdBy: 'system:rotation' });
      expect((await provider.read(place)).value).toEqual(NEW);
      expect((await provider.read(place, 1)).value.v).toBe('old');
      expect(await provider.staged(place)).toBeNull();
    });

    it('stages, promotes and discards the same again without harm', async () => {
      const { provider } = suite;
      const place = await secretToRotate();
      await provider.stage(place, { token: TOKEN, value: NEW });
      await provider.stage(place, { token: TOKEN, value: { v: 'made anew by a repeat' } });
      expect((await provider.staged(place))?.value).toEqual(NEW);
      expect(await codeOf(provider.stage(place, { token: OTHER, value: NEW }))).toBe('SECRET_CONFLICT');
      const promoted = await provider.promote(place, TOKEN, BY);
      expect(await provider.promote(place, TOKEN, BY)).toEqual(promoted);
      expect((await provider.describe(place)).versions).toHaveLength(2);
      await provider.discard(place, TOKEN);
      expect((await provider.read(place)).value).toEqual(NEW);
    });

    it('discards what is staged under the token, and nothing else', async () => {
      const { provider } = suite;
      const place = await secretToRotate();
      await provider.discard(place, TOKEN);
      await provider.stage(place, { token: TOKEN, value: NEW });
      await provider.discard(place, OTHER);
      expect((await provider.staged(place))?.token).toBe(TOKEN);
      await provider.discard(place, TOKEN);
      await provider.discard(place, TOKEN);
      expect(await provider.staged(place)).toBeNull();
      expect(await codeOf(provider.promote(place, TOKEN, BY))).toBe('SECRET_CONFLICT');
      expect((await provider.read(place)).value.v).toBe('old');
      await provider.stage(place, { token: OTHER, value: NEW });
      expect(await codeOf(provider.promote(place, TOKEN, BY))).toBe('SECRET_CONFLICT');
      expect((await provider.promote(place, OTHER, BY)).version).toBe(2);
    });

    it('keeps what is staged over a write by somebody else', async () => {
      const { provider } = suite;
      const place = await secretToRotate();
      await provider.stage(place, { token: TOKEN, value: NEW });
      await provider.write(place, { v: 'by hand' }, { author: 'alice' });
      expect((await provider.read(place)).value).toEqual({ v: 'by hand' });
      expect(await codeOf(provider.promote(place, TOKEN, { ...BY, cas: 1 }))).toBe('SECRET_CONFLICT');
      expect((await provider.promote(place, TOKEN, { ...BY, cas: 2 })).version).toBe(3);
      expect((await provider.read(place)).value).toEqual(NEW);
    });

    it('removes what is staged with the secret', async () => {
      const { provider } = suite;
      const place = await secretToRotate();
      await provider.stage(place, { token: TOKEN, value: NEW });
      await provider.remove(place);
      expect(await codeOf(provider.promote(place, TOKEN, BY))).toMatch(/^SECRET_(NOT_FOUND|CONFLICT)$/);
    });

    it.each(['stage', 'promote', 'discard'] as const)(
      'can %s again when the answer was lost',
      async (step) => {
        const { provider, underTest } = suite;
        if (underTest.loseNextAnswer === undefined) return;
        const place = await secretToRotate();
        if (step !== 'stage') await provider.stage(place, { token: TOKEN, value: NEW });
        const act = () =>
          step === 'stage'
            ? provider.stage(place, { token: TOKEN, value: NEW })
            : step === 'promote'
              ? provider.promote(place, TOKEN, BY)
              : provider.discard(place, TOKEN);
        underTest.loseNextAnswer();
        expect(await codeOf(act())).toMatch(/^(none|PROVIDER_UNAVAILABLE)$/);
        expect(await codeOf(act())).toBe('none');
        const [{ value, version }, staged] = [await provider.read(place), await provider.staged(place)];
        expect(value.v).toBe(step === 'promote' ? 'new' : 'old');
        expect(version.version).toBe(step === 'promote' ? 2 : 1);
        expect(staged).toEqual(step === 'stage' ? { token: TOKEN, value: NEW } : null);
      },
    );
  });
}
