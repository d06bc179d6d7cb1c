import type { AccessResult, SecretAction } from '@provability-fabric/secrets';
import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTenantLogin } from '../database/tenant-login.ts';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { asSuperuser, connectAs, databaseOf } from '../testing/fresh-database.fixture.ts';

const PASSWORD = 'a-password-of-somebody';
const REFUSED = '42501';
const ACTIONS: Record<SecretAction, true> = {
  READ: true,
  WRITE: true,
  LIST: true,
  DESCRIBE: true,
  DELETE: true,
  UNDELETE: true,
  DESTROY: true,
  REMOVE: true,
  ROLLBACK: true,
  ROTATE: true,
  USE: true,
  MOUNT: true,
  FINGERPRINT: true,
};
const RESULTS: Record<AccessResult, true> = { STARTED: true, SUCCESS: true, FAILURE: true, DENIED: true };
const ROW = `(tenant_id, user_id, secret_key, action, result) values ('acme', 'system', 'db', 'READ', 'SUCCESS')`;

let server: TestServer;
const clients: Client[] = [];

beforeAll(async () => {
  server = await startTestServer();
  await asOperator(`
    create role audit_writer login password '${PASSWORD}' in role secrets_audit_writer;
    create role audit_reader login password '${PASSWORD}' in role secrets_auditor;
    create role nobody_special login password '${PASSWORD}';
    grant connect on database fabric to audit_writer, audit_reader, nobody_special;`);
  const writer = await connect('audit_writer');
  await writer.query(`insert into secret_audit_logs ${ROW}`);
  await writer.query(`insert into secret_audit_logs ${ROW.replace('acme', 'globex')}`);
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => undefined);
});
afterAll(() => server?.stop());

function asOperator<Row>(text: string): Promise<readonly Row[]> {
  return asSuperuser<Row>(server, text, databaseOf(server.postgres.url));
}

async function connect(user: string): Promise<Client> {
  const url = new URL(server.postgres.url);
  const password = user === url.username ? decodeURIComponent(url.password) : PASSWORD;
  const client = await connectAs(server.postgres.url, user, password);
  clients.push(client);
  return client;
}

const code = (client: Client, text: string): Promise<string> =>
  client.query(text).then(
    ({ rowCount }) => `done, ${rowCount}`,
    (error: { code: string }) => error.code,
  );

const partitions = () =>
  asOperator<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent = 'public.secret_audit_logs'::regclass order by 1`,
  );

describe('secret_audit_logs', () => {
  it('takes no row from whoever has only set something, and shows them none', async () => {
    const client = await connect('nobody_special');
    for (const attempt of [
      `set app.current_user_role = 'system'`,
      `set app.current_user_role = 'admin'`,
      `set app.current_tenant_id = 'acme'`,
      `set pf.tenant = 'acme'`,
    ]) {
      await client.query(attempt);
      expect(await code(client, `insert into secret_audit_logs ${ROW}`), attempt).toBe(REFUSED);
      expect(await code(client, 'select * from secret_audit_logs'), attempt).toBe(REFUSED);
    }
    for (const role of ['secrets_audit_writer', 'secrets_auditor', 'pf_secrets', 'pf_reader', 'fabric'])
      expect(await code(client, `set role ${role}`), role).toBe(REFUSED);
    for (const call of ['secret_audit_logs_extend()', `secret_audit_logs_drop(now() - interval '1 year')`])
      expect(await code(client, `select ${call}`), call).toBe(REFUSED);
  });

  it('lets writers add, and neither read, attest nor date what they add', async () => {
    const client = await connect('audit_writer');
    for (const attempt of [
      'select * from secret_audit_logs',
      `insert into secret_audit_logs ${ROW} returning id`,
      `insert into secret_audit_logs (created_at, ${ROW.slice(1).replace("('acme'", "(now(), 'acme'")}`,
      `insert into secret_audit_logs (statement_digest, ${ROW.slice(1).replace("('acme'", "(repeat('a', 64), 'acme'")}`,
      `insert into secret_audit_logs_default ${ROW}`,
      `update secret_audit_logs set result = 'FAILURE'`,
      'delete from secret_audit_logs',
      'truncate secret_audit_logs',
      `select secret_audit_logs_drop(now() - interval '1 year')`,
      'select secret_audit_logs_extend()',
      'select secret_audit_logs_harden()',
      'set role secrets_auditor',
      'set role pf_secrets',
    ])
      expect(await code(client, attempt), attempt).toBe(REFUSED);
  });

  it('lets auditors read all tenants and do nothing else', async () => {
    const client = await connect('audit_reader');
    const { rows } = await client.query('select distinct tenant_id from secret_audit_logs order by 1');
    expect(rows.map(({ tenant_id }) => tenant_id)).toEqual(['acme', 'globex']);
    for (const attempt of [
      `insert into secret_audit_logs ${ROW}`,
      `update secret_audit_logs set result = 'FAILURE'`,
      'delete from secret_audit_logs',
      'truncate secret_audit_logs',
      'select * from secret_audit_logs_default',
      'select * from pf.secrets',
    ])
      expect(await code(client, attempt), attempt).toBe(REFUSED);
  });

  it("shows a tenant's own login that tenant's rows, whatever it sets, and takes none", async () => {
    const client = await connect(await createTenantLogin(server.database, 'acme', PASSWORD));
    for (const attempt of [`set pf.tenant = 'globex'`, 'set role pf_reader', 'reset role']) {
      await client.query(attempt);
      const { rows } = await client.query('select distinct tenant_id from secret_audit_logs');
      expect(rows, attempt).toEqual([{ tenant_id: 'acme' }]);
    }
    for (const attempt of [
      `insert into secret_audit_logs ${ROW}`,
      `update secret_audit_logs set user_id = 'other'`,
      'delete from secret_audit_logs',
      'select * from secret_audit_logs_default',
    ])
      expect(await code(client, attempt), attempt).toBe(REFUSED);
  });

  it('changes and loses no row at the hands of its owner, nor of a superuser who switches triggers off', async () => {
    const owner = await connect('fabric');
    const tables = ['secret_audit_logs', ...(await partitions()).map(({ name }) => name)];
    expect(tables.length).toBe(7);
    const attempts = tables.flatMap((table) => [
      `update ${table} set result = 'FAILURE'`,
      `delete from ${table}`,
      `delete from ${table} where false`,
      `truncate ${table}`,
    ]);
    for (const attempt of attempts) expect(await code(owner, attempt), attempt).toBe(REFUSED);
    const merge = `merge into secret_audit_logs l using (select 1) s on true when matched then delete`;
    const upsert = `insert into secret_audit_logs ${ROW} on conflict (id, timestamp) do update set result = 'FAILURE'`;
    for (const attempt of [merge, upsert]) expect(await code(owner, attempt), attempt).toBe(REFUSED);
    for (const attempt of [...attempts, merge])
      await expect(
        asOperator(`set session_replication_role = replica; ${attempt}`),
        attempt,
      ).rejects.toMatchObject({ code: REFUSED });
    // The owner is under row-level security too: it reads nothing that it is no auditor for, and adds nothing by a partition.
    for (const { name } of await partitions()) {
      expect(await code(owner, `insert into ${name} ${ROW}`), name).toBe(REFUSED);
      expect(await code(owner, `select * from ${name}`), name).toBe('done, 0');
    }
    expect(await asOperator('select count(*)::int as n from secret_audit_logs')).toEqual([{ n: 2 }]);
  });

  it('has row-level security forced on every partition, grants nothing on them, and is of no role of ours', async () => {
    await asOperator(
      'alter default privileges in schema public grant all on tables to public, nobody_special',
    );
    await asOperator(`create table public.secret_audit_logs_2020_01 partition of public.secret_audit_logs
      for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00');
      alter table public.secret_audit_logs_2020_01 owner to fabric`);
    await asService('select public.secret_audit_logs_extend()');
    const tables = await asOperator<{ name: string; forced: boolean; others: number; owner: string }>(
      `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced, c.relowner::regrole::text as owner,
              (select count(*)::int from aclexplode(c.relacl) a where a.grantee <> c.relowner) as others
       from pg_class c where c.relname ~ '^secret_audit_logs' and c.relkind in ('r', 'p')`,
    );
    expect(tables.length).toBe(8);
    for (const { name, forced, others, owner } of tables) {
      expect({ name, forced, owner }).toEqual({ name, forced: true, owner: 'fabric' });
      if (name !== 'secret_audit_logs') expect(others, name).toBe(0);
    }
    const owner = await connect('fabric');
    expect(await code(owner, 'truncate secret_audit_logs_2020_01')).toBe(REFUSED);
    await asOperator('drop table public.secret_audit_logs_2020_01');
  });

  it('takes every action and result that there is, and no other', async () => {
    const client = await connect('audit_writer');
    const insert = (action: string, result: string) =>
      code(client, `insert into secret_audit_logs ${ROW.replace('READ', action).replace('SUCCESS', result)}`);
    for (const action of Object.keys(ACTIONS)) expect(await insert(action, 'SUCCESS')).toBe('done, 1');
    for (const result of Object.keys(RESULTS)) expect(await insert('READ', result)).toBe('done, 1');
    expect(await insert('PEEK', 'SUCCESS')).toBe('23514');
    expect(await insert('READ', 'MAYBE')).toBe('23514');
  });

  it('takes a row of any time that a reader can hold, and lets only whole partitions go, when all in them is old', async () => {
    const client = await connect('audit_writer');
    const old = (time: string) =>
      client.query(
        `insert into secret_audit_logs (timestamp, ${ROW.slice(1).replace("('acme'", `(${time}, 'acme'`)}`,
      );
    for (const time of [
      `now() - interval '5 years'`,
      `now() + interval '5 years'`,
      `'1970-01-01 00:00:00+00'`,
      `now() - interval '20 days'`,
    ])
      await old(time);
    for (const time of [`'infinity'`, `'-infinity'`, `'0044-03-15 BC'`, `'5000-01-01'`])
      await expect(old(time), time).rejects.toMatchObject({ code: '23514' });
    const drop = (days: number) =>
      asService(`select secret_audit_logs_drop(now() - interval '${days} days') as name`);
    await expect(drop(89)).rejects.toMatchObject({ code: '22023' });
    await expect(asService('select public.secret_audit_logs_drop(null)')).rejects.toMatchObject({
      code: '22023',
    });
    // What is in the default partition was added just now, whatever it says of itself.
    expect(await drop(90)).toEqual([]);

    await asOperator(`create table public.secret_audit_logs_2020_03 partition of public.secret_audit_logs
      for values from ('2020-03-01 00:00:00+00') to ('2020-04-01 00:00:00+00');
      alter table public.secret_audit_logs_2020_03 owner to fabric`);
    await old(`'2020-03-31 23:59:59.999+00'`);
    const before = await asOperator<{ n: number }>('select count(*)::int as n from secret_audit_logs');
    expect(await drop(90)).toEqual([{ name: 'secret_audit_logs_2020_03' }]);
    const after = await asOperator<{ n: number }>('select count(*)::int as n from secret_audit_logs');
    expect((before[0]?.n ?? 0) - (after[0]?.n ?? 0)).toBe(1);
  });

  it('empties the default partition once nothing in it is young, and goes on where a month has rows there', async () => {
    const month = await asOperator<{ name: string }>(
      `select 'secret_audit_logs_' || to_char(now() at time zone 'UTC' + interval '3 months', 'YYYY_MM') as name`,
    );
    const name = month[0]?.name ?? '';
    await asOperator(`drop table public.${name};
      insert into secret_audit_logs (timestamp, ${ROW.slice(1).replace("('acme'", "(now() + interval '3 months', 'acme'")}`);
    expect(await asService('select public.secret_audit_logs_extend() as made')).toEqual([{ made: 0 }]);
    // As if it had all been there for a year: the superuser's doing, which nobody of ours can repeat.
    await asOperator(`alter table secret_audit_logs_default disable trigger keep;
      update secret_audit_logs_default set created_at = created_at - interval '1 year',
        timestamp = least(timestamp, now() - interval '1 year');
      alter table secret_audit_logs_default enable always trigger keep`);
    expect(await asService(`select secret_audit_logs_drop(now() - interval '90 days') as name`)).toEqual([
      { name: 'secret_audit_logs_default' },
    ]);
    expect(await asService('select public.secret_audit_logs_extend() as made')).toEqual([{ made: 1 }]);
    expect(await partitions()).toHaveLength(6);
    const owner = await connect('fabric');
    expect(await code(owner, 'delete from secret_audit_logs_default')).toBe(REFUSED);
  });
});

async function asService<Row>(text: string): Promise<readonly Row[]> {
  const client = await connect('fabric');
  await client.query('set role pf_secrets');
  return (await client.query(text)).rows as Row[];
}
