import { EvidenceError } from '@provability-fabric/evidence';
import { canonicalBytes } from '@provability-fabric/kernel';
import type { CompiledBundle } from '@provability-fabric/policy';
import type { Database } from '@provability-fabric/storage';
import { describe, expect, it, vi } from 'vitest';
import { bundleAtStart } from './bundle-at-start.ts';
import {
  crypto,
  digestIn,
  json,
  otherContent,
  PLATFORM,
  Place,
  useSharedDatabase,
} from './bundle-places.fixture.ts';
import { sharedBundles } from './shared-bundles.ts';

const shared = useSharedDatabase();
const byOperator = { by: 'operator-1', at: 1, mayBeFirst: true };
const publish = (bundle: CompiledBundle) =>
  shared.current.published().publish(PLATFORM, json(bundle), byOperator);
const until = (holds: () => boolean, timeout = 5_000) => vi.waitUntil(holds, { timeout, interval: 10 });
const bytesOf = (bundle: CompiledBundle) => Buffer.from(canonicalBytes(json(bundle)));
const UPDATE = 'update pf.bundles set content = $2 where name = $1 and version = $3';

/** A sidecar that decides under a bundle that the database has. */
async function following(bundle: CompiledBundle) {
  await publish(bundle);
  const place = await Place.under(bundle);
  const follower = shared.current.closing(place.follow(shared.current.published()));
  await follower.look();
  return { place, follower };
}

describe('a sidecar that follows its bundle', () => {
  it('keeps the running one, by name, where somebody without the key wrote a newer one', async () => {
    const first = shared.current.bundle(1);
    const { place, follower } = await following(first);
    const second = { ...first, version: 2 };
    const insert = `insert into pf.bundles select name, 2, $2, tenants, $3, note, published_by, published_at
      from pf.bundles where name = $1 and version = 1`;
    await shared.current.tamper(insert, [first.name, digestIn(second), bytesOf(second)]);
    await shared.current.tamper('update pf.bundle_state set change = change + 1', []);
    await follower.look();
    expect(place.version).toBe(1);
    const kept = { event: 'bundle_kept', bundle: first.name, version: 2, in_force: 1 };
    expect(place.log).toMatchObject([{ ...kept, code: 'BUNDLE_UNSIGNED' }]);
    expect([place.kept, follower.health()]).toEqual([
      true,
      [`bundle \`${first.name}\` version 2 in the database is not in force here (BUNDLE_UNSIGNED)`],
    ]);
    // What is fit above it is adopted all the same.
    expect(await publish({ ...first, version: 3 })).toMatchObject({ ok: true });
    await until(() => place.version === 3 && !place.kept);
    expect(follower.health()).toEqual([]);
  });

  it('keeps the running one where the newest is not what was signed', async () => {
    const first = shared.current.bundle(1);
    await publish(first);
    await publish({ ...first, version: 2 });
    await shared.current.tamper(UPDATE, [first.name, bytesOf({ ...first, version: 2, owner: 'me' }), 2]);
    const place = await Place.under(first);
    const follower = shared.current.closing(place.follow(shared.current.published()));
    await follower.look();
    expect(place.log).toMatchObject([{ event: 'bundle_kept', code: 'LEDGER_CORRUPT', version: 2 }]);
    expect([place.version, place.kept]).toEqual([1, true]);
  });

  it.each([
    ['BUNDLE_INVALID', (bundle: CompiledBundle) => ({ ...bundle, clauses: [] })],
    ['BUNDLE_INVALID', (bundle: CompiledBundle) => ({ ...bundle, format: 'provability-fabric/bundle/v9' })],
  ])(
    'keeps the running one where a newer release published what this one cannot run: %s',
    async (code, change) => {
      const first = shared.current.bundle(1);
      const { place, follower } = await following(first);
      await publish(change({ ...first, version: 2 }) as CompiledBundle);
      await follower.look();
      expect(place.version).toBe(1);
      expect(place.log).toMatchObject([{ event: 'bundle_kept', code, version: 2, in_force: 1 }]);
      expect(place.archive.list()).toHaveLength(1);
      await publish({ ...first, version: 3 });
      await until(() => place.version === 3);
    },
  );

  it('keeps the running one where this folder knows the version with other content', async () => {
    const first = shared.current.bundle(1);
    const { place, follower } = await following(first);
    const second = { ...first, version: 2 };
    await place.archive.activate(json(otherContent(second)));
    await publish(second);
    await follower.look();
    await follower.look();
    expect(place.version).toBe(1);
    expect(place.log).toMatchObject([{ event: 'bundle_kept', code: 'BUNDLE_ROLLBACK', version: 2 }]);
  });

  it('tries again where it could not be put in force', async () => {
    const first = shared.current.bundle(1);
    const { place, follower } = await following(first);
    place.fails = new EvidenceError('EVIDENCE_UNAVAILABLE', 'the disk is full');
    await publish({ ...first, version: 2 });
    await expect(follower.look()).rejects.toBe(place.fails);
    expect(follower.health()[0]).toContain('(EVIDENCE_UNAVAILABLE)');
    place.fails = undefined;
    await until(() => place.version === 2);
    await until(() => follower.health().length === 0);
    expect(place.events()).toEqual(['bundle_kept', 'bundle_adopted']);
  });

  it('goes on under its own where another release compiled the same sources', async () => {
    const first = shared.current.bundle(1);
    await publish({ ...first, compiler: 'another release' });
    const place = await Place.under(first);
    const follower = shared.current.closing(place.follow(shared.current.published()));
    await follower.look();
    expect([place.log, follower.health(), place.sidecar.inForce().digest]).toEqual([[], [], digestIn(first)]);
  });

  it('brings a database up again that was put back to an earlier day', async () => {
    const third = shared.current.bundle(3);
    const { place, follower } = await following({ ...third, version: 1 });
    await publish(third);
    await until(() => place.version === 3);
    await shared.current.tamper('delete from pf.bundles where name = $1 and version = 3', [third.name]);
    await shared.current.tamper('update pf.bundle_state set change = change - 1', []);
    await until(() => place.events().includes('bundle_put_back'));
    expect((await shared.current.published().newest(third.name)).signed).toMatchObject({ version: 3 });
    expect([place.version, follower.health()]).toEqual([3, []]);
  });
});

describe('an activation while the database is gone', () => {
  it('is an error by name, and nothing is half-activated', async () => {
    const first = shared.current.bundle(1);
    const { place } = await following(first);
    for (const at of ['before', 'at the commit'] as const) {
      const bundles = sharedBundles({
        published: shared.current.published(losing(shared.current.database, at)),
        crypto,
        now: Date.now,
        here: undefined,
      });
      await expect(bundles.activate(PLATFORM, json({ ...first, version: 2 }), 'op')).rejects.toMatchObject({
        code: 'LEDGER_UNAVAILABLE',
      });
      expect((await shared.current.published().newest(first.name)).signed).toMatchObject({ version: 1 });
      expect([place.version, place.archive.list().length, place.log]).toEqual([1, 1, []]);
    }
  });
});

/** The real database, whose server ends the connection at the moment that a test wants. */
function losing(database: Database, at: 'before' | 'at the commit'): Database {
  const END = 'reset role; select pg_terminate_backend(pg_backend_pid())';
  return {
    ...database,
    transaction: (role, work, options) =>
      database.transaction(
        role,
        async (tx) => {
          if (at === 'before') await tx.query(END);
          const value = await work(tx);
          await tx.query(END);
          return value;
        },
        options,
      ),
  };
}

describe('the bundle at the start', () => {
  const start = (place: Place, configured: CompiledBundle) =>
    bundleAtStart({
      published: shared.current.published(),
      folder: place.folder,
      configured,
      log: place.logger,
      now: Date.now,
    });
  const newest = async (name: string) => (await shared.current.published().newest(name)).signed?.version;

  it('is refused where one version has two contents, and then nobody else hears of it', async () => {
    const first = shared.current.bundle(1);
    const place = await Place.under(first);
    await expect(start(place, otherContent(first))).rejects.toMatchObject({ code: 'BUNDLE_ROLLBACK' });
    expect(await newest(first.name)).toBeUndefined();
    await publish(otherContent(first));
    await expect(start(place, first)).rejects.toMatchObject({
      code: 'BUNDLE_ROLLBACK',
      message: expect.stringContaining('as version 2'),
    });
  });

  it('is refused where the newest is not what was signed, or does not run here: nothing older in its place', async () => {
    const first = shared.current.bundle(1);
    const place = await Place.under(first);
    await publish({ ...first, version: 2 });
    const bytes = bytesOf({ ...first, version: 2, owner: 'me' });
    await shared.current.tamper(UPDATE, [first.name, bytes, 2]);
    await expect(start(place, first)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    await publish({ ...first, version: 3, format: 'provability-fabric/bundle/v9' } as never);
    await expect(start(place, first)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
    // A folder that has it by its digest needs no row.
    const knowing = await Place.under({ ...first, version: 4 });
    await publish({ ...first, version: 4 });
    await shared.current.tamper(UPDATE, [first.name, bytes, 4]);
    expect(await start(knowing, first)).toMatchObject({ version: 4 });
  });

  it('is the highest that the configuration, the database or the folder knows, and in the database then', async () => {
    const first = shared.current.bundle(1);
    const place = await Place.under(first);
    expect(await start(place, first)).toEqual(first);
    expect(await newest(first.name)).toBe(1);
    expect(await start(place, { ...first, version: 2 })).toMatchObject({ version: 2 });
    expect(await newest(first.name)).toBe(2);
    expect(place.log).toEqual([]);
    await publish({ ...first, version: 5 });
    expect(await start(place, { ...first, version: 3 })).toMatchObject({ version: 5 });
    expect(place.log).toMatchObject([{ event: 'bundle_overtaken', version: 3, in_force: 5 }]);
    const ahead = await Place.under({ ...first, version: 8 });
    expect(await start(ahead, first)).toMatchObject({ version: 8 });
    expect(await newest(first.name)).toBe(8);
  });

  it('is the same for all that start at once', async () => {
    const first = shared.current.bundle(1);
    const versions = [1, 3, 2, 3, 1];
    const places = await Promise.all(versions.map(() => Place.under(first)));
    await Promise.all(places.map((place, at) => start(place, { ...first, version: versions[at] ?? 1 })));
    expect(await newest(first.name)).toBe(3);
    expect(await start(places[0] as Place, first)).toMatchObject({ version: 3 });
  });
});
