import { canonicalBytes, digestJson, type JsonObject } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { withFault } from '../leases/fake-database.fixture.ts';
import { crypto, until, wait } from '../reader/ledger-database.fixture.ts';
import { signBundle } from './bundle-note.ts';
import {
  bundle,
  byOperator,
  newBundleName,
  OURS,
  PLATFORM,
  STRANGERS,
  useBundles,
} from './bundles.fixture.ts';
import { openPublishedBundles } from './published-bundles.ts';

const places = useBundles();
const publish = (json: JsonObject, tenant: string | null = null) =>
  places.current.bundles.publish({ tenant }, json, byOperator);
const newestOf = (name: string) => places.current.bundles.newest(name);

const INSERT = `insert into pf.bundles (name, version, digest, tenants, content, note, published_by, published_at)
  values ($1, $2, $3, array['acme'], $4, $5, 'somebody', 1)`;

describe('a version', () => {
  it('below the newest is refused, and so is the newest with other content', async () => {
    const name = newBundleName();
    expect(await publish(bundle(name, 3))).toMatchObject({ ok: true, bundle: { name, version: 3 } });
    for (const version of [1, 2]) {
      expect(await publish(bundle(name, version))).toMatchObject({
        ok: false,
        code: 'BUNDLE_ROLLBACK',
        problem: expect.stringContaining('as version 4'),
      });
    }
    expect(await publish(bundle(name, 3, { clauses: [] }))).toMatchObject({
      ok: false,
      code: 'BUNDLE_ROLLBACK',
      problem: expect.stringContaining('other content'),
    });
    expect(await publish(bundle(name, 3))).toMatchObject({ ok: true });
    expect((await newestOf(name)).signed?.content).toEqual(bundle(name, 3));
  });

  it('that two publish at once with different contents is the one of them, and the other is refused', async () => {
    const other = places.current.open(places.current.other);
    for (let round = 0; round < 10; round++) {
      const name = newBundleName();
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, at) =>
          (at % 2 ? places.current.bundles : other).publish(PLATFORM, bundle(name, 2, { at }), byOperator),
        ),
      );
      const taken = answers.filter(({ ok }) => ok);
      expect(taken).toHaveLength(1);
      expect(answers.filter((answer) => !answer.ok && answer.code === 'BUNDLE_ROLLBACK')).toHaveLength(5);
      expect((await newestOf(name)).signed).toMatchObject(
        taken[0]?.ok ? { digest: taken[0].bundle.digest } : {},
      );
    }
  });

  it('is the highest of those that many publish at the same time', async () => {
    const name = newBundleName();
    await Promise.all([4, 9, 6, 8, 5].map((version) => publish(bundle(name, version))));
    expect((await newestOf(name)).signed).toMatchObject({ version: 9 });
  });
});

describe('what is no bundle for here', () => {
  it('is a name that nobody decides under, unless it may be the first', async () => {
    const json = bundle(newBundleName(), 1);
    const unknown = places.current.bundles.publish(PLATFORM, json, { ...byOperator, mayBeFirst: false });
    expect(await unknown).toMatchObject({ ok: false, code: 'BUNDLE_WRONG_NAME' });
    expect(await publish(json)).toMatchObject({ ok: true });
  });

  it.each([
    { name: `x'; drop table pf.bundles; --` },
    { name: '' },
    { version: 0 },
    { version: 1.5 },
    { version: '1' },
    { version: 9007199254740993n },
    { tenants: [] },
    { tenants: 'acme' },
    { tenants: ['a\0b'] },
    { content: 'x'.repeat(16 * 1024 * 1024) },
  ] as readonly JsonObject[])('is refused before the database is asked: %#', async (more) => {
    await expect(publish({ ...bundle('misshapen', 1), ...more })).rejects.toMatchObject({
      code: 'BAD_QUERY',
    });
  });
});

describe('a tenant', () => {
  it('publishes for itself alone, over its own alone, and sees what decides for it', async () => {
    const [mine, both, theirs] = [newBundleName(), newBundleName(), newBundleName()];
    const shared = { tenants: ['acme', 'globex'] };
    expect(await publish(bundle(mine, 1), 'acme')).toMatchObject({ ok: true });
    expect(await publish(bundle(both, 1, shared))).toMatchObject({ ok: true });
    expect(await publish(bundle(theirs, 1, { tenants: ['globex'] }))).toMatchObject({ ok: true });
    const forbidden = { ok: false, code: 'FORBIDDEN' };
    expect(await publish(bundle(mine, 2, shared), 'acme')).toMatchObject(forbidden);
    // The new one would be its own alone; the one in force is not.
    expect(await publish(bundle(both, 2), 'acme')).toMatchObject(forbidden);
    expect(await publish(bundle(theirs, 2), 'acme')).toMatchObject(forbidden);
    expect(await publish(bundle(mine, 2), 'acme')).toMatchObject({ ok: true });

    const seen = async (tenant: string | null) => {
      const rows = await Promise.all(
        [mine, both, theirs].map((name) => places.current.bundles.list({ tenant }, name)),
      );
      return rows.flat().map(({ name, version, tenants }) => [name, version, tenants]);
    };
    expect(await seen('acme')).toEqual([
      [mine, 2, ['acme']],
      [mine, 1, ['acme']],
      [both, 1, ['acme']],
    ]);
    expect(await seen('initech')).toEqual([]);
    expect(await seen(null)).toEqual([
      [mine, 2, ['acme']],
      [mine, 1, ['acme']],
      [both, 1, ['acme', 'globex']],
      [theirs, 1, ['globex']],
    ]);
    await expect(places.current.bundles.list({ tenant: '' })).rejects.toMatchObject({ code: 'BAD_QUERY' });
  });

  it('is bound by the database, not by this code', async () => {
    const name = newBundleName();
    await publish(bundle(name, 1, { tenants: ['globex'] }));
    const { database } = places.current.server;
    const as = (role: 'pf_writer' | 'pf_reader', text: string, values: readonly unknown[] = [name]) =>
      database.transaction(role, (tx) => tx.query(text, values), { tenant: 'initech' });
    const refused = { code: 'LEDGER_REFUSED' };
    const values = [name, 7, 'a'.repeat(64), Buffer.from('{}'), 'n'];
    await expect(as('pf_writer', INSERT, values)).rejects.toMatchObject(refused);
    await expect(as('pf_writer', 'update pf.bundles set version = 9 where name = $1')).rejects.toMatchObject(
      refused,
    );
    await expect(as('pf_writer', 'delete from pf.bundles where name = $1')).rejects.toMatchObject(refused);
    expect(await as('pf_reader', 'select name from pf.bundles where name = $1')).toEqual([]);
    for (const column of ['content', 'tenants', 'published_by']) {
      const text = `select ${column} from pf.bundles where name = $1`;
      await expect(as('pf_reader', text)).rejects.toMatchObject(refused);
    }
  });
});

describe('a row that was tampered with', () => {
  const forged = (name: string, version: number, note: string) => {
    const content = bundle(name, version, { clauses: 'whatever I like' });
    return [name, version, digestJson(crypto, content), Buffer.from(canonicalBytes(content)), note];
  };

  it('is no bundle where no key of this ledger signed it; the one below stays the newest', async () => {
    const name = newBundleName();
    await publish(bundle(name, 2));
    const [, , digest] = forged(name, 7, '') as [unknown, unknown, never];
    const stolen = await places.current.server.database.transaction('pf_auditor', (tx) =>
      tx.query<{ note: string }>('select note from pf.bundles where name = $1', [name]),
    );
    const notes = [
      '',
      'no note at all',
      stolen[0]?.note ?? '',
      signBundle(STRANGERS, { name, version: 9, digest }),
      signBundle({ ...OURS, origin: 'elsewhere' }, { name, version: 10, digest }),
    ];
    for (const [at, note] of notes.entries()) {
      await places.current.tamper(INSERT, forged(name, 6 + at, note));
    }
    const newest = await newestOf(name);
    expect(newest).toMatchObject({ signed: { version: 2 }, unsigned: [10, 9, 8, 7, 6] });
    expect(newest.signed?.content).toEqual(bundle(name, 2));
    expect((await places.current.bundles.list(PLATFORM, name)).map(({ version }) => version)).toEqual([2]);
    expect(await publish(bundle(name, 3))).toMatchObject({ ok: true });
    await expect(publish(bundle(name, 6))).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect((await newestOf(name)).signed).toMatchObject({ version: 3 });
  });

  it('that was signed, with other content now, is known and not given out, and nothing older in its place', async () => {
    const name = newBundleName();
    await publish(bundle(name, 1));
    await publish(bundle(name, 2));
    await places.current.tamper('update pf.bundles set content = $2 where name = $1 and version = 2', [
      name,
      Buffer.from(canonicalBytes(bundle(name, 2, { clauses: [] }))),
    ]);
    const { signed } = await newestOf(name);
    expect(signed).toMatchObject({ version: 2, content: null });
    await expect(publish(bundle(name, 2))).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(await publish(bundle(name, 3), 'acme')).toMatchObject({ ok: false, code: 'FORBIDDEN' });
    expect(await publish(bundle(name, 3))).toMatchObject({ ok: true });
    expect(await places.current.bundles.read(signed?.digest as never)).toBeUndefined();
  });

  it('that was signed as another name or version is none', async () => {
    const name = newBundleName();
    await publish(bundle(name, 2));
    const digest = digestJson(crypto, bundle(name, 2));
    await places.current.tamper('update pf.bundles set version = 99 where name = $1', [name]);
    expect(await newestOf(name)).toEqual({ signed: null, unsigned: [99] });
    const other = newBundleName();
    await places.current.tamper('update pf.bundles set name = $2, version = 2 where name = $1', [
      name,
      other,
    ]);
    expect(await newestOf(other)).toEqual({ signed: null, unsigned: [2] });
    // Whoever has a digest that evidence names needs no signature.
    expect(await places.current.bundles.read(digest)).toEqual(bundle(name, 2));
  });

  it('hides what is below it only where somebody floods the table, and then nothing is given out', async () => {
    const name = newBundleName();
    await publish(bundle(name, 2));
    for (let version = 100; version < 164; version++) {
      await places.current.tamper(INSERT, forged(name, version, 'note'));
    }
    expect((await newestOf(name)).signed).toBeNull();
  });
});

describe('following a name', () => {
  it('hears the newest at the start, and what anyone publishes within a second', async () => {
    const name = newBundleName();
    await publish(bundle(name, 1));
    const { heard } = places.current.follow(name, places.current.open(places.current.other));
    const hears = (version: number, ms: number) =>
      until(`version ${version}`, () => heard.at(-1)?.signed?.version === version, ms);
    await hears(1, 2_000);
    for (const version of [2, 3, 4]) {
      await publish(bundle(name, version));
      await hears(version, 1_000);
    }
    await publish(bundle(newBundleName(), 1));
    await wait(200);
    expect(heard.at(-1)?.signed?.content).toEqual(bundle(name, 4));
  });

  it('hears it within a second also where no notification arrives', async () => {
    const name = newBundleName();
    const deaf = { ...places.current.other, listen: () => Promise.reject(new Error('no channel')) };
    const { heard } = places.current.follow(name, places.current.open(deaf));
    await until('nothing yet', () => heard.length === 1);
    expect(heard).toEqual([{ signed: null, unsigned: [] }]);
    await publish(bundle(name, 5));
    await until('version 5', () => heard.at(-1)?.signed?.version === 5, 1_000);
  });

  it('is told again for as long as it cannot take what it hears, and not again afterwards', async () => {
    const name = newBundleName();
    await publish(bundle(name, 1));
    let full = true;
    let taken = 0;
    const followed = places.current.bundles.follow(name, async () => {
      if (full) throw new Error('expected room on the disk');
      taken++;
    });
    try {
      await until('a problem', () => followed.health().length === 1);
      await expect(followed.look()).rejects.toThrow('room on the disk');
      full = false;
      await until('taken', () => taken === 1);
      expect(followed.health()).toEqual([]);
      await wait(900);
      expect(taken).toBe(1);
    } finally {
      await followed.close();
    }
  });

  it('goes on where the database was gone, and says so meanwhile', async () => {
    const name = newBundleName();
    const fault = withFault(places.current.other);
    const bundles = openPublishedBundles({ database: fault.database, ...OURS });
    fault.set(true);
    const { heard, followed } = places.current.follow(name, bundles);
    await until('a problem', () => followed.health().length === 1);
    expect(followed.health()).toEqual(['newer bundles were last looked for never (LEDGER_UNAVAILABLE)']);
    await expect(bundles.publish(PLATFORM, bundle(name, 1), byOperator)).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
    });
    expect(await newestOf(name)).toEqual({ signed: null, unsigned: [] });
    await publish(bundle(name, 1));
    fault.set(false);
    await until('version 1', () => heard.at(-1)?.signed?.version === 1);
    expect(followed.health()).toEqual([]);
  });
});
