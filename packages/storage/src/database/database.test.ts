import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../migrations/all.ts';
import { startTestServer, type TestServer, until } from '../reader/ledger-database.fixture.ts';
import { startOldServer } from '../testing/fake-old-server.fixture.ts';
import { asSuperuser, databaseOf, freshDatabase } from '../testing/fresh-database.fixture.ts';
import {
  type Database,
  type OwnedDatabase,
  openDatabase,
  openDatabaseAsItIs,
  openDatabaseToRead,
} from './database.ts';
import { migrate } from './migrate.ts';

let server: TestServer;
const opened: Database[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
});
afterAll(() => server?.stop());

async function open(url: string): Promise<OwnedDatabase> {
  const database = await openDatabase({ url, connections: 3, connectTimeoutMs: 1_000 });
  opened.push(database);
  return database;
}

const failure = (url: string): Promise<Error & { code: string }> =>
  open(url).then(
    () => Promise.reject(new Error('expected a failure')),
    (error: Error & { code: string }) => error,
  );

describe('opening a database', () => {
  it('never tells the URL, the login or the password, whatever is wrong with it', async () => {
    const { url } = server.postgres;
    const password = new URL(url).password;
    const wrong: readonly (readonly [string, string])[] = [
      [url.replace(password, 'hunter2-hunter2'), 'LEDGER_REFUSED'],
      [url.replace('/fabric?', '/hunter2-nowhere?'), 'LEDGER_REFUSED'],
      [url.replace('//fabric:', '//hunter2:'), 'LEDGER_REFUSED'],
      ['postgresql://hunter2:hunter2@127.0.0.1:1/hunter2', 'LEDGER_UNAVAILABLE'],
      ['postgresql://hunter2:hunter2@hunter2.invalid/hunter2', 'LEDGER_UNAVAILABLE'],
      ['postgresql://a:hunter2@[::bad/x', 'LEDGER_REFUSED'],
      ['mysql://a:hunter2@b/c', 'LEDGER_REFUSED'],
      ['hunter2', 'LEDGER_REFUSED'],
    ];
    for (const [one, code] of wrong) {
      const error = await failure(one);
      expect(error.code, one).toBe(code);
      const { stack: _, ...rest } = error;
      const told = `${error.message} ${inspect(rest, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`;
      expect(told).not.toMatch(/hunter2|127\.0\.0\.1/);
      expect(told).not.toContain(password);
    }
  });

  it('refuses a server older than PostgreSQL 15 by name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pf-old-'));
    const old = await startOldServer(folder, '140012');
    try {
      expect(await failure(old.url)).toMatchObject({
        code: 'LEDGER_TOO_OLD',
        message: expect.stringContaining('`14`'),
      });
    } finally {
      await old.stop();
      await rm(folder, { recursive: true });
    }
  });

  it('brings the schema up once, however many processes start at the same time', async () => {
    const url = await freshDatabase(server);
    const all = await Promise.all(Array.from({ length: 5 }, () => open(url)));
    const rows = await all[0]?.transaction('pf_auditor', (tx) =>
      tx.query<{ version: number }>('select version from pf.schema_migrations order by version'),
    );
    expect(rows?.map(({ version }) => version)).toEqual(MIGRATIONS.map(({ version }) => version));
  });

  it('goes all the way down and up again, and leaves nothing behind', async () => {
    const url = await freshDatabase(server);
    const database = await open(url);
    const objects = () =>
      asSuperuser<{ name: string }>(
        server,
        `select relname as name from pg_class where relnamespace = 'pf'::regnamespace
         union all select proname from pg_proc where pronamespace = 'pf'::regnamespace order by name`,
        databaseOf(url),
      );
    const before = await objects();
    await migrate(database, 0);
    expect((await objects()).map(({ name }) => name)).toEqual([
      'schema_migrations',
      'schema_migrations_pkey',
    ]);
    await migrate(database, MIGRATIONS.length);
    expect(await objects()).toEqual(before);
    await expect(migrate(database, MIGRATIONS.length + 1)).rejects.toMatchObject({
      code: 'LEDGER_SCHEMA_NEWER',
    });
  });

  it('leaves a schema of a newer release alone', async () => {
    const url = await freshDatabase(server);
    const database = await open(url);
    await database.asOwner((tx) =>
      tx.query(`insert into pf.schema_migrations (version, name) values (99, 'later')`),
    );
    expect(await failure(url)).toMatchObject({ code: 'LEDGER_SCHEMA_NEWER' });
  });

  it('works with a login that is a superuser, and with another owner once it has the roles', async () => {
    const url = await freshDatabase(server);
    await asSuperuser(server, `create role root_like superuser login password 'root-like'`);
    await open(url.replace(/\/\/fabric:[^@]*@/, '//root_like:root-like@'));
    await asSuperuser(server, `create role somebody login createrole password 'somebody'`);
    const theirs = await freshDatabase(server);
    await asSuperuser(server, `alter database ${databaseOf(theirs)} owner to somebody`);
    const asSomebody = theirs.replace(/\/\/fabric:[^@]*@/, '//somebody:somebody@');
    expect(await failure(asSomebody)).toMatchObject({ code: 'LEDGER_REFUSED' });
    await asSuperuser(
      server,
      'grant pf_writer, pf_reader, pf_auditor, pf_secrets, pf_governor, secrets_audit_writer, secrets_auditor to somebody',
    );
    await open(asSomebody);
  });
});

describe('opening a database as it is', () => {
  const history = (database: OwnedDatabase) =>
    database.asOwner((tx) => tx.query('select version, name from pf.schema_migrations order by version'));

  it.each([
    ['to read', openDatabaseToRead],
    ['to change what is in it', openDatabaseAsItIs],
  ])('%s, refuses one of another release by name and leaves it so', async (_, openIt) => {
    const url = await freshDatabase(server);
    const none = await openIt({ url }).catch((error: unknown) => error);
    expect(none).toMatchObject({
      code: 'LEDGER_SCHEMA_OLDER',
      message: expect.stringContaining('got none; start the fabric'),
    });
    const there = `select from pg_namespace where nspname = 'pf'`;
    expect(await asSuperuser(server, there, databaseOf(url))).toEqual([]);

    const owner = await open(url);
    const newest = MIGRATIONS.length;
    await migrate(owner, newest - 1);
    const before = await history(owner);
    await expect(openIt({ url })).rejects.toMatchObject({
      code: 'LEDGER_SCHEMA_OLDER',
      message: expect.stringContaining(
        `expected a ledger schema of version ${newest}, got \`${newest - 1}\``,
      ),
    });
    expect(await history(owner)).toEqual(before);

    await owner.asOwner((tx) =>
      tx.query(`insert into pf.schema_migrations (version, name) values (99, 'later')`),
    );
    await expect(openIt({ url })).rejects.toMatchObject({ code: 'LEDGER_SCHEMA_NEWER' });
  });

  it('to read, can write as nobody, and is as well on a database that nobody may write to', async () => {
    const url = await freshDatabase(server, 'schema');
    const name = databaseOf(url);
    await asSuperuser(server, `alter database ${name} set default_transaction_read_only = on`);
    const database = await openDatabaseToRead({ url, connections: 1 });
    opened.push(database);
    for (const role of ['pf_writer', 'pf_auditor'] as const) {
      const write = database.transaction(role, (tx) => tx.query(`insert into pf.writers values ('w', 1)`), {
        readOnly: false,
      });
      await expect(write, role).rejects.toMatchObject({
        code: expect.stringMatching(/^LEDGER_(READ_ONLY|REFUSED)$/),
      });
    }
    const counted = await database.transaction('pf_auditor', (tx) => tx.query('select from pf.writers'));
    expect(counted).toEqual([]);
    const slow = database.transaction('pf_reader', (tx) => tx.query('select pg_sleep(60)'), {
      timeoutMs: 100,
    });
    await expect(slow).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    await until('healthy', () => database.health().length === 0);
  });
});

describe('a transaction', () => {
  it('runs as its role for its tenant, and leaves neither on the connection', async () => {
    const database = await openDatabase({ url: server.postgres.url, connections: 1 });
    opened.push(database);
    const who = 'select current_user::text as role, pf.current_tenant() as tenant';
    const acme = await database.transaction('pf_reader', (tx) => tx.query(who), { tenant: "ac'me" });
    expect(acme).toEqual([{ role: 'pf_reader', tenant: "ac'me" }]);
    expect(await database.transaction('pf_auditor', (tx) => tx.query(who))).toEqual([
      { role: 'pf_auditor', tenant: null },
    ]);
    expect(await database.asOwner((tx) => tx.query(who))).toEqual([{ role: 'fabric', tenant: null }]);
  });

  it('is taken back whole when its work fails, whose error comes through as it is', async () => {
    const { database } = server;
    await database.asOwner((tx) => tx.query('create table if not exists pf.kept (a int)'));
    const failing = new RangeError('mine');
    const attempt = database.asOwner(async (tx) => {
      await tx.query('insert into pf.kept values (1)');
      throw failing;
    });
    await expect(attempt).rejects.toBe(failing);
    expect(await database.asOwner((tx) => tx.query('select * from pf.kept'))).toEqual([]);
    await database.asOwner((tx) => tx.query('drop table pf.kept'));
  });

  it('that takes too long is ended, and does not hold its connection', async () => {
    const database = await open(server.postgres.url);
    for (let attempt = 0; attempt < 4; attempt++) {
      const slow = database.transaction('pf_reader', (tx) => tx.query('select pg_sleep(60)'), {
        timeoutMs: 100,
      });
      await expect(slow).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    }
    expect(database.health()).toEqual([expect.stringContaining('cannot be used right now')]);
    await until('healthy', () => database.health().length === 0);
  });

  it('that only reads cannot write', async () => {
    const write = server.database.transaction(
      'pf_writer',
      (tx) => tx.query(`insert into pf.writers values ('w', 1)`),
      { readOnly: true },
    );
    await expect(write).rejects.toMatchObject({ code: 'LEDGER_READ_ONLY' });
  });

  it('refuses when closed', async () => {
    const database = await open(server.postgres.url);
    await database.close();
    const late = database.transaction('pf_reader', (tx) => tx.query('select 1'));
    await expect(late).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  });
});

describe('listening', () => {
  it('hears what is sent, and after a lost connection says that something may have been missed', async () => {
    const database = await open(server.postgres.url);
    const heard: string[] = [];
    const stop = await database.listen('pf_te"st', (payload) => heard.push(payload));
    const send = (payload: string) =>
      database.asOwner((tx) => tx.query('select pg_notify($1, $2)', ['pf_te"st', payload]));
    await send('one');
    await until('one', () => heard.includes('one'));
    await asSuperuser(
      server,
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %'`,
    );
    await until('reconnected', () => heard.includes(''));
    await send('two');
    await until('two', () => heard.includes('two'));
    await stop();
    await send('three');
    await send('four');
    expect(heard).toEqual(['one', '', 'two']);
  });
});
