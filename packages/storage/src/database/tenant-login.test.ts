import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestWriter, startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { asSuperuser, connectAs, databaseOf } from '../testing/fresh-database.fixture.ts';
import { entriesAfter } from '../testing/ledger-entries.fixture.ts';
import { createTenantLogin, dropTenantLogin } from './tenant-login.ts';

const PASSWORD = `quote'd-"pass"-word\\x`;
let server: TestServer;
let login: string;
const clients: Client[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const writer = await openTestWriter(server.database);
  for (const tenant of ['acme', 'globex']) {
    const entries = entriesAfter(undefined, 3, { tenant, session: 's1' });
    await writer.append({ writer: 'w', from: null, entries });
  }
  login = await createTenantLogin(server.database, 'acme', PASSWORD);
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => undefined);
});
afterAll(() => server?.stop());

async function connect(user = login, password = PASSWORD): Promise<Client> {
  const client = await connectAs(server.postgres.url, user, password);
  clients.push(client);
  return client;
}

async function tenantsSeen(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query(
    'select distinct tenant from pf.statements union select tenant from pf.sessions',
  );
  return rows.map(({ tenant }) => tenant as string);
}

const code = (client: Client, text: string): Promise<string> =>
  client.query(text).then(
    () => 'done',
    (error: { code: string }) => error.code,
  );

describe("a tenant's own login", () => {
  it('sees its own rows and no others, whatever it sets', async () => {
    const client = await connect();
    expect(await tenantsSeen(client)).toEqual(['acme']);
    for (const attempt of [
      `set pf.tenant = 'globex'`,
      `select set_config('pf.tenant', 'globex', false)`,
      'set role pf_reader',
      'set role pf_tenant',
      'reset role',
      `set search_path = pg_temp, pf`,
    ]) {
      await client.query(attempt);
      expect(await tenantsSeen(client), attempt).toEqual(['acme']);
    }
    expect((await client.query(`select * from pf.statements where tenant = 'globex'`)).rows).toEqual([]);
  });

  it('cannot become more than it is', async () => {
    const client = await connect();
    const refused = '42501';
    for (const attempt of [
      'set role pf_auditor',
      'set role pf_writer',
      'set role fabric',
      'set session authorization fabric',
      'set local session authorization postgres',
      'grant pf_auditor to current_user',
      `create role helper`,
      'alter role current_user superuser',
      'select * from pf.tenant_logins',
      `insert into pf.tenant_logins values (session_user, 'globex')`,
      'select * from pf.writers',
      `select pf.erase('globex', true)`,
      `insert into pf.statements select * from pf.statements`,
      `update pf.statements set tenant = 'acme'`,
      'delete from pf.statements',
      'truncate pf.statements',
      'select * from pf.log_state for update',
      'create table pf.mine (a int)',
      'create table public.mine (a int)',
      'create temporary table mine (a int)',
      `create function pf.current_tenant() returns text language sql as $$ select 'globex' $$`,
      'alter table pf.statements no force row level security',
      'drop policy reader on pf.statements',
      'create policy mine on pf.statements using (true)',
      `copy pf.statements to '/tmp/statements'`,
      `copy (select 1) to program 'id'`,
      `select pg_read_file('PG_VERSION')`,
    ]) {
      expect(await code(client, attempt), attempt).toBe(refused);
    }
    await client.query('set row_security = off');
    expect(await code(client, 'select * from pf.statements')).toBe(refused);
    await client.query('reset row_security');
    expect(await tenantsSeen(client)).toEqual(['acme']);
  });

  it('reaches no other database and is not asked for by its name alone', async () => {
    await expect(connect(login, 'wrong-password-xyz')).rejects.toMatchObject({ code: '28P01' });
    await expect(
      connectAs(server.postgres.url.replace('/fabric?', '/postgres?'), login, PASSWORD),
    ).rejects.toMatchObject({ code: '42501' });
  });

  it('does not hold up the sequencer, not with locks either', async () => {
    const client = await connect();
    await client.query(
      'begin; lock table pf.statements in access share mode; select pg_advisory_xact_lock(1)',
    );
    const writer = await openTestWriter(server.database, { timeoutMs: 2_000 });
    const entries = entriesAfter(undefined, 1, { tenant: 'acme', session: 'while-locked' });
    expect(await writer.append({ writer: 'w', from: null, entries })).toMatchObject({ added: 1 });
    await client.query('rollback');
  });

  it('owns nothing, and nor do the roles of the fabric', async () => {
    const owned = await asSuperuser(
      server,
      `select r.rolname, c.relname from pg_class c join pg_roles r on r.oid = c.relowner
       where r.rolname like 'pf\\_%'
       union all select r.rolname, p.proname from pg_proc p join pg_roles r on r.oid = p.proowner
       where r.rolname like 'pf\\_%'`,
      databaseOf(server.postgres.url),
    );
    expect(owned).toEqual([]);
    const open = await asSuperuser(
      server,
      `select relname from pg_class where relnamespace = 'pf'::regnamespace and relkind = 'r'
         and not (relrowsecurity and relforcerowsecurity)
         and relname not in ('schema_migrations', 'tenant_logins')`,
      databaseOf(server.postgres.url),
    );
    expect(open, 'tables without forced row-level security').toEqual([]);
  });

  it('sees nothing without its entry in the list of logins, nor after it was dropped while connected', async () => {
    const other = await createTenantLogin(server.database, 'globex', PASSWORD);
    const client = await connect(other);
    expect(await tenantsSeen(client)).toEqual(['globex']);
    await server.database.asOwner((tx) => tx.query('delete from pf.tenant_logins where login = $1', [other]));
    await client.query(`set pf.tenant = 'acme'`);
    expect(await tenantsSeen(client)).toEqual([]);
    await dropTenantLogin(server.database, 'globex');
    await dropTenantLogin(server.database, 'globex');
    expect(await code(client, 'select * from pf.statements')).not.toBe('done');
    await expect(connect(other)).rejects.toMatchObject({ code: '28P01' });
  });

  it('gets a new password by being made again, and names of any length stay apart', async () => {
    const [one, two] = ['a', 'b'].map((end) => `${'long-tenant-name/'.repeat(6)}${end}`) as [string, string];
    const logins = [
      await createTenantLogin(server.database, one, PASSWORD),
      await createTenantLogin(server.database, two, PASSWORD),
    ];
    expect(new Set(logins).size).toBe(2);
    const changed = 'another-pass-word-0';
    expect(await createTenantLogin(server.database, one, changed)).toBe(logins[0]);
    await expect(connect(logins[0], PASSWORD)).rejects.toMatchObject({ code: '28P01' });
    expect(await tenantsSeen(await connect(logins[0], changed))).toEqual([]);
  });

  it('is refused for what is no tenant, and with a password that is short or not ASCII', async () => {
    for (const [tenant, password] of [
      [`x'; drop table pf.statements; --`, PASSWORD],
      ['acme\0', PASSWORD],
      ['acme', 'short'],
      ['acme', 'pässwörd-pässwörd-pässwörd'],
    ] as const) {
      await expect(createTenantLogin(server.database, tenant, password)).rejects.toMatchObject({
        code: 'BAD_QUERY',
      });
    }
  });
});
