import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { openLeases } from '@provability-fabric/storage';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LEDGER, startTestLedger, type TestLedger } from './ledger.fixture.ts';
import { psqlLine } from './psql-line.ts';

let ledger: TestLedger;
const folders = temporaryFolders();
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(async () => {
  await ledger?.stop();
  folders.removeAll();
});
afterEach(() => ledger.restore());

async function rows<Row>(text: string): Promise<readonly Row[]> {
  return ledger.database.transaction('pf_auditor', (tx) => tx.query<Row>(text));
}

describe('which database', () => {
  test('one that nobody runs is named, with what to do, and nothing is made', async () => {
    const data = folders.make({ 'postgres/data/PG_VERSION': '18\n' });
    for (const folder of [data, '/nowhere']) {
      const { code, out, err } = await ledger.pfctl(['ledger', 'status', '--data', folder]);
      expect({ code, out }).toEqual({ code: 4, out: '' });
      expect(err).toMatch(
        /expected the database that comes along to run in .*; start the fabric whose it is/,
      );
    }
  });

  test('DATABASE_URL goes before the data folder, and its password is never repeated', async () => {
    const options = { databaseUrl: ledger.url };
    expect((await ledger.pfctl(['ledger', 'status', '--data', '/nowhere'], options)).code).toBe(0);
    for (const [databaseUrl, expected, said] of [
      [
        'postgresql://fabric:hidden-word@127.0.0.1:1/fabric',
        4,
        /expected DATABASE_URL to answer, came nothing/,
      ],
      ['mysql://fabric:hidden-word@127.0.0.1/fabric', 3, /expected a database URL like/],
      [ledger.url.replace(/:[^:@]*@/, ':hidden-word@'), 3, /refuses this login/],
    ] as const) {
      const { code, err } = await ledger.pfctl(['ledger', 'status'], { databaseUrl });
      expect(code, databaseUrl).toBe(expected);
      expect(err).toMatch(said);
      expect(err).not.toContain('hidden-word');
    }
  });
});

describe('a ledger of another release', () => {
  test.each([
    [['status']],
    [['verify']],
    [['login', 'create', '--tenant', 'acme']],
    [['declare-lost', '--tenant', 'acme', '--session', 's1', '--yes']],
    [['erase', '--tenant', 'acme', '--records', '--yes']],
  ])('is named by %j, which cannot work with it and changes nothing', async (args) => {
    const versions = 'select version, name from pf.schema_migrations order by version';
    const [before, sealed] = [
      await rows(versions),
      'select from pf.statements where sealed_record is not null',
    ];
    const records = (await rows(sealed)).length;
    const newest = 'select max(version) from pf.schema_migrations';
    for (const [change, back, said] of [
      [
        `create table kept.schema as select * from pf.schema_migrations;
         delete from pf.schema_migrations where version = (${newest})`,
        'insert into pf.schema_migrations table kept.schema on conflict do nothing; drop table kept.schema',
        /expected a ledger schema of version \d+, got `\d+`; start the fabric of this release/,
      ],
      [
        `insert into pf.schema_migrations (version, name) values (99, 'later')`,
        'delete from pf.schema_migrations where version = 99',
        /expected a ledger schema of version \d+ or older, got `99`; install the release that made it/,
      ],
    ] as const) {
      await ledger.tamper(change);
      const changed = await rows(versions);
      const { code, out, err } = await ledger.pfctl(['ledger', ...args]);
      expect(await rows(versions)).toEqual(changed);
      await ledger.tamper(back);
      expect({ code, out }).toEqual({ code: 4, out: '' });
      expect(err).toMatch(said);
    }
    expect(await rows(versions)).toEqual(before);
    expect(await rows(sealed)).toHaveLength(records);
    expect(await rows(`select from pg_roles where rolname = 'pf_tenant:acme'`)).toEqual([]);
  });
});

describe('ledger status', () => {
  test('says how long the ledger is, who writes to it, and that nothing is wrong', async () => {
    const { code, out } = await ledger.pfctl(['ledger', 'status', '--format', 'json']);
    expect(code).toBe(0);
    const status = JSON.parse(out);
    expect(status).toMatchObject({
      origin: LEDGER,
      sessions: { count: 10, leased: 0, waiting: 0 },
      superseded: 0,
      schema_version: expect.any(Number),
      findings: [],
    });
    expect(status.writers).toEqual([
      { writer: expect.stringMatching(/^[0-9a-f]{32}$/), position: expect.any(Number) },
    ]);
    // What the writer's position does not count are its heads.
    expect(status.checkpoint.size).toBeGreaterThan(status.writers[0].position);
    expect(status.checkpoint.newest_statement_at).toMatch(/^20\d\d-/);
    expect(status.postgresql).toMatch(/^18/);
    const table = await ledger.pfctl(['ledger', 'status']);
    expect(table.out).toContain(`\nPostgreSQL:       ${status.postgresql}\n`);
    expect(table.out).toMatch(/\nWRITER +POSITION\n[0-9a-f]{32} {2}\d+\n$/);
  });

  test('without the keys it says that nothing was checked, and damage makes the exit code 1', async () => {
    const empty = folders.make();
    const { code, out } = await ledger.pfctl(['ledger', 'status', '--keys', empty]);
    expect(code).toBe(0);
    expect(out).toContain('notice  no verifier key of a ledger is at hand: the checkpoint was not checked\n');
    await ledger.tamper('delete from pf.statements where log_index > 100');
    const damaged = await ledger.pfctl(['ledger', 'status']);
    expect(damaged.code).toBe(1);
    expect(damaged.out).toMatch(
      /damaged {2}the log has \d+ entries, the statements that are there end at 101\n/,
    );
  });
});

describe('ledger login', () => {
  test('makes up a password that is printed once, and takes the login away again', async () => {
    const passwords = new Set<string>();
    for (const _ of [1, 2]) {
      const { code, out, err } = await ledger.pfctl(['ledger', 'login', 'create', '--tenant', 'acme']);
      expect(code).toBe(0);
      expect(out).toMatch(
        /^login: +pf_tenant:acme\npassword: +[\w-]{32}\npsql: +psql 'host=.* dbname=fabric user=pf_tenant:acme'\n$/,
      );
      expect(err).toBe('pfctl: the password is kept nowhere; this was its only time\n');
      passwords.add(/password: +(.*)/.exec(out)?.[1] ?? '');
    }
    expect(passwords.size).toBe(2);
    expect(await rows(`select from pg_roles where rolname = 'pf_tenant:acme'`)).toHaveLength(1);
    const dropped = await ledger.pfctl(['ledger', 'login', 'drop', '--tenant', 'acme']);
    expect(dropped).toMatchObject({ code: 0, out: 'acme has no login\n' });
    expect(await rows(`select from pg_roles where rolname = 'pf_tenant:acme'`)).toHaveLength(0);
  });

  test('takes a password out of a file, and repeats neither it nor one that is unfit', async () => {
    const file = join(ledger.root, 'password');
    writeFileSync(file, 'a-password-that-was-given\n');
    const args = ['ledger', 'login', 'create', '--tenant', 'acme', '--password-file', file];
    const { code, out, err } = await ledger.pfctl([...args, '--format', 'json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(Object.keys(JSON.parse(out))).toEqual(['tenant', 'login', 'psql']);
    for (const unfit of [
      'short',
      'two words that are long enough',
      'line-one-is-long\nline-two-is-long',
      '',
    ]) {
      writeFileSync(file, unfit);
      const refused = await ledger.pfctl(args);
      expect(refused).toMatchObject({ code: 3, out: '' });
      expect(refused.err).toMatch(/expected one line of 16 to 128 printable ASCII characters/);
      if (unfit !== '') expect(refused.err).not.toContain(unfit);
    }
    const { code: bad } = await ledger.pfctl(['ledger', 'login', 'create', '--tenant', `x'; drop`]);
    expect(bad).toBe(3);
  });

  test('the psql line survives a shell, whatever is in the URL', () => {
    expect(psqlLine('postgresql://u:p@[::1]:5433/led%20ger?sslmode=verify-full', "pf_tenant:o'x")).toBe(
      String.raw`psql 'host=::1 port=5433 dbname='\''led ger'\'' user='\''pf_tenant:o\'\''x'\'' sslmode=verify-full'`,
    );
  });
});

describe('ledger declare-lost', () => {
  const args = (session: string, ...more: string[]) =>
    ['ledger', 'declare-lost', '--tenant', 'acme', '--session', session, ...more] as const;

  test('says what is given up before it does anything', async () => {
    const { code, out, err } = await ledger.pfctl(args('s1'));
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(/^pfctl: expected --yes, came none. What its fabric decided last, .*, is given up/);
  });

  test('is refused while the fabric holds the session, and for a session that nobody shares', async () => {
    const owner = { owner: 'fabric-a', address: null, ttlMs: 10_000, assurance: 'standard' } as const;
    const leases = await openLeases({ database: ledger.database, ...owner });
    await leases.acquire('acme', 's1');
    const held = await ledger.pfctl(args('s1', '--yes'));
    expect(held).toMatchObject({ code: 1, out: '' });
    expect(held.err).toMatch(/came acme\/s1, which fabric-a holds/);
    await leases.close({ shipped: false });
    const unknown = await ledger.pfctl(args('nobody-s', '--yes'));
    expect(unknown).toMatchObject({ code: 3, out: '' });
    expect(unknown.err).toMatch(/which none ever held/);
  });

  test('of a fabric that has gone, lets the next one go on from what the ledger has', async () => {
    await ledger.tamper(`update pf.leases set expires_at = now() - interval '1 hour' where session = 's1'`);
    const status = await ledger.pfctl(['ledger', 'status']);
    expect(status.out).toMatch(
      /notice {2}1 session of a fabric that has gone; .* pfctl ledger declare-lost\n/,
    );
    const [end] = await rows<{ seq: number }>(
      `select seq from pf.sessions where tenant = 'acme' and session = 's1'`,
    );
    const lost = await ledger.pfctl(args('s1', '--yes'));
    expect(lost).toMatchObject({
      code: 0,
      out: `acme/s1 is no longer fabric-a's; it goes on after seq ${end?.seq}\n`,
    });
    const again = await ledger.pfctl(args('s1', '--yes', '--format', 'json'));
    expect(JSON.parse(again.out)).toMatchObject({ lost_by: null, continues_after_seq: end?.seq });
    const leases = await openLeases({
      database: ledger.database,
      owner: 'fabric-b',
      address: null,
      ttlMs: 10_000,
      assurance: 'standard',
    });
    expect(await leases.acquire('acme', 's1')).toMatchObject({ ok: true });
    await leases.close({ shipped: true });
  });
});

describe('ledger erase', () => {
  const count = async (column: string) =>
    (await rows<{ tenant: string; n: number }>(
      `select tenant, count(${column}) as n from pf.statements where tenant <> '-' group by 1 order by 1`,
    )) as readonly { tenant: string; n: number }[];

  test.each([
    [['--tenant', 'acme', '--yes'], /expected either --records or --statements, came none/],
    [['--tenant', 'acme', '--yes', '--records', '--statements'], /came both/],
    [['--tenant', 'acme', '--records'], /expected --yes, came none: this is for good. Remains: every signed/],
    [['--tenant', 'a\nb', '--records', '--yes'], /tenant id/],
  ])('%j changes nothing', async (args, said) => {
    const before = await count('sealed_record');
    const { code, out, err } = await ledger.pfctl(['ledger', 'erase', ...args]);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(said);
    expect(await count('sealed_record')).toEqual(before);
  });

  test('forgets the records and then the statements of one tenant, and says what remains', async () => {
    const [acme, globex] = await count('sealed_record');
    const records = await ledger.pfctl(['ledger', 'erase', '--tenant', 'globex', '--records', '--yes']);
    expect(records.out).toMatch(
      new RegExp(`^erased the records of globex: ${globex?.n} statements changed\nRemains: `),
    );
    expect(records.out).toContain("\nNot touched: the fabrics' own journals and keys");
    expect(await count('sealed_record')).toEqual([acme, { tenant: 'globex', n: 0 }]);
    expect(await count('envelope')).toEqual([expect.objectContaining({ n: acme?.n }), globex]);
    const statements = ['ledger', 'erase', '--tenant', 'globex', '--statements', '--yes', '--format', 'json'];
    const erased = await ledger.pfctl(statements);
    expect(JSON.parse(erased.out)).toEqual({ tenant: 'globex', erased: 'statements', statements: globex?.n });
    expect(await count('envelope')).toEqual([
      expect.objectContaining({ n: acme?.n }),
      { tenant: 'globex', n: 0 },
    ]);
    expect((await ledger.pfctl(['ledger', 'verify'])).code).toBe(0);
  });
});
