import type { Bundles } from '@provability-fabric/gateway-http';
import type { CompiledBundle } from '@provability-fabric/policy';
import { describe, expect, it } from 'vitest';
import { bundleControl } from './bundle-control.ts';
import {
  crypto,
  digestIn,
  json,
  otherContent,
  PLATFORM,
  Place,
  type SharedDatabase,
  useSharedDatabase,
} from './bundle-places.fixture.ts';
import { sharedBundles } from './shared-bundles.ts';

// One contract for whoever has bundles: a fabric by itself, one that shares a database, and a policy adapter alone.
const shared = useSharedDatabase();
const ACME = { tenant: 'acme' };

interface Opened {
  readonly bundles: Bundles;
  /** What is in force where decisions are made; undefined where that is another process. */
  readonly place: Place | undefined;
}

type Open = (database: SharedDatabase, first: CompiledBundle) => Promise<Opened>;

async function alone(_: SharedDatabase, first: CompiledBundle): Promise<Opened> {
  const place = await Place.under(first);
  return { bundles: bundleControl(place.folder, place.sidecar), place };
}

async function withSidecar(database: SharedDatabase, first: CompiledBundle): Promise<Opened> {
  const published = database.published();
  const place = await Place.under(first);
  await registered(database, first);
  const here = database.closing(place.follow(published));
  return { bundles: sharedBundles({ published, crypto, now: Date.now, here }), place };
}

async function adapterAlone(database: SharedDatabase, first: CompiledBundle): Promise<Opened> {
  await registered(database, first);
  const published = database.published();
  return { bundles: sharedBundles({ published, crypto, now: Date.now, here: undefined }), place: undefined };
}

async function registered(database: SharedDatabase, first: CompiledBundle): Promise<void> {
  const publishing = { by: 'configuration', at: Date.now(), mayBeFirst: true };
  await database.published().publish(PLATFORM, json(first), publishing);
}

const ADAPTERS: readonly (readonly [string, Open])[] = [
  ['a fabric by itself', alone],
  ['a fabric on a shared database', withSidecar],
  ['a policy adapter alone', adapterAlone],
];

describe.each(ADAPTERS)('bundles of %s', (_, open) => {
  async function under(first: CompiledBundle) {
    const { bundles, place } = await open(shared.current, first);
    const inForce = async () => (await bundles.list(PLATFORM, first.name)).active;
    const activate = (bundle: unknown, scope: { tenant: string | null } = PLATFORM) =>
      bundles.activate(scope, bundle as never, 'operator-1');
    return { bundles, place, inForce, activate };
  }

  it('refuse what is unfit by name, and the one in force stays', async () => {
    const second = shared.current.bundle(2);
    const { place, inForce, activate } = await under(second);
    const { cedar } = second;
    const unfit: readonly (readonly [string, unknown])[] = [
      ['BUNDLE_ROLLBACK', { ...second, version: 1 }],
      ['BUNDLE_ROLLBACK', otherContent(second)],
      ['BUNDLE_WRONG_NAME', { ...second, name: 'nobody-decides-under-it', version: 9 }],
      ['BUNDLE_INVALID', {}],
      ['BUNDLE_INVALID', { ...second, version: 3, clauses: 'none' }],
      ['BUNDLE_INVALID', { ...second, version: 3, cedar: { ...cedar, policies: [] } }],
      ['BUNDLE_INVALID', { ...second, version: 3, format: 'provability-fabric/bundle/v0' }],
    ];
    for (const [code, bundle] of unfit) {
      expect(await activate(bundle)).toMatchObject({ ok: false, code });
      expect(await inForce()).toMatchObject({ version: 2, digest: digestIn(second) });
    }
    expect(place?.archive.list().map(({ version }) => version) ?? [2]).toEqual([2]);
    expect(await activate({ ...second, version: 3 })).toMatchObject({ ok: true });
  });

  it('are not changed by the operator of one of their tenants', async () => {
    const first = shared.current.bundle(1);
    expect(first.tenants).toEqual(['acme', 'globex']);
    const { inForce, activate } = await under(first);
    for (const tenants of [['acme'], ['acme', 'globex'], ['globex']]) {
      expect(await activate({ ...first, tenants, version: 2 }, ACME)).toMatchObject({ code: 'FORBIDDEN' });
    }
    expect(await inForce()).toMatchObject({ version: 1 });
    expect(await activate({ ...first, tenants: ['acme'], version: 2 })).toMatchObject({ ok: true });
    expect(await activate({ ...first, tenants: ['acme', 'globex'], version: 3 }, ACME)).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await activate({ ...first, tenants: ['acme'], version: 3 }, ACME)).toMatchObject({ ok: true });
    expect(await inForce()).toMatchObject({ version: 3, tenants: ['acme'] });
  });

  it('show a tenant what decides for it, and not for whom else', async () => {
    const first = shared.current.bundle(1);
    const { bundles, activate } = await under(first);
    await activate({ ...first, version: 2, tenants: ['globex'] });
    const seen = async (tenant: string | null) => {
      const { active, archived } = await bundles.list({ tenant }, first.name);
      const short = (one: typeof active) => one && [one.version, ...one.tenants];
      return [short(active), archived.map(short)];
    };
    expect(await seen(null)).toEqual([[2, 'globex'], [[1, 'acme', 'globex']]]);
    expect(await seen('globex')).toEqual([[2, 'globex'], [[1, 'globex']]]);
    expect((await seen('acme')).flat(2)).not.toContain('globex');
    expect(await seen('initech')).toEqual([null, []]);
    expect(await bundles.list(PLATFORM, 'another')).toEqual({ active: null, archived: [] });
  });

  it('are in force once activated, again for the same one, and of two at once the higher stays', async () => {
    const first = shared.current.bundle(1);
    const { place, inForce, activate } = await under(first);
    const second = { ...first, version: 2 };
    const digest = digestIn(second);
    for (let time = 0; time < 2; time++) {
      expect(await activate(second)).toEqual({
        ok: true,
        bundle: { name: first.name, version: 2, digest, tenants: ['acme', 'globex'] },
      });
      expect(place?.version ?? 2).toBe(2);
    }
    await Promise.all([3, 7, 5, 6, 4].map((version) => activate({ ...first, version })));
    expect(await inForce()).toMatchObject({ version: 7 });
    expect(place?.version ?? 7).toBe(7);
  });

  it('are one where two operators activate different contents of one version at once', async () => {
    const first = shared.current.bundle(1);
    const { inForce, activate } = await under(first);
    const [one, other] = [{ ...first, version: 2 }, otherContent({ ...first, version: 2 })];
    const answers = await Promise.all([activate(one), activate(other)]);
    const [taken, ...more] = answers.filter(({ ok }) => ok);
    expect(more).toEqual([]);
    expect(answers.filter((answer) => !answer.ok && answer.code === 'BUNDLE_ROLLBACK')).toHaveLength(1);
    expect(await inForce()).toMatchObject(taken?.ok ? { digest: taken.bundle.digest } : {});
  });
});
