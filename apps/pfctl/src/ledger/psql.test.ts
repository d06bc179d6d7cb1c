// The program that a tenant would use, as the line that `ledger login create` prints starts it.
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestLedger, type TestLedger } from './ledger.fixture.ts';

const missing = spawnSync('psql', ['--version'], { stdio: 'ignore' }).status !== 0;
const skipped = missing && process.env.CI !== 'true';
const why = skipped ? ' (skipped: psql is not installed: Debian postgresql-client)' : '';

describe.skipIf(skipped)(`psql with a tenant's login${why}`, () => {
  let ledger: TestLedger;
  let line = '';
  let password = '';
  beforeAll(async () => {
    ledger = await startTestLedger();
    const created = await ledger.pfctl(['ledger', 'login', 'create', '--tenant', 'acme', '--format', 'json']);
    ({ psql: line, password } = JSON.parse(created.out));
    // The fixture took row-level security from the owner, to write as him; tenants are not the owner.
    await ledger.tamper('alter table pf.statements force row level security');
  });
  afterAll(() => ledger?.stop());

  /** Statements one after the other in one connection, as if typed: an error does not end it. */
  function psql(...statements: readonly string[]): { out: string; err: string; status: number | null } {
    const { stdout, stderr, status } = spawnSync('sh', ['-c', `${line} --no-psqlrc --quiet -At`], {
      input: `${statements.join(';\n')};\n`,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, PGPASSWORD: password },
      timeout: 20_000,
    });
    return { out: stdout, err: stderr, status };
  }

  const SEEN = 'select distinct tenant from pf.statements union select tenant from pf.sessions order by 1';

  test('sees its own rows', async () => {
    const { out, err, status } = psql(
      SEEN,
      'select count(*) > 100 from pf.statements',
      'select count(*) from pf.sessions',
    );
    expect({ out, err, status }).toEqual({ out: 'acme\nt\n5\n', err: '', status: 0 });
  });

  test('sees nothing of another tenant, in rows, counts or plans', () => {
    const { out } = psql(
      `select count(*) from pf.statements where tenant = 'globex'`,
      `select count(*) from pf.sessions where tenant = 'globex'`,
      `select count(*) from pf.superseded where tenant = 'globex'`,
      `select count(*) from pf.statements where log_index in (select log_index from pf.statements where tenant <> 'acme')`,
      // A function that leaks its argument is not run on rows that the tenant may not see.
      `select count(*) from pf.statements where tenant <> 'acme' and cast(tenant as int) > 0`,
      `select count(*) from pg_stats where schemaname = 'pf' and tablename = 'statements'`,
    );
    expect(out).toBe('0\n0\n0\n0\n0\n0\n');
  });

  test('cannot SET its way out', () => {
    for (const attempt of [
      `set pf.tenant = 'globex'`,
      `select set_config('pf.tenant', 'globex', false) is null`,
      'set role pf_auditor',
      'set role pf_writer',
      'set role fabric',
      'set role postgres',
      'set role pf_reader',
      'set session authorization fabric',
      'set search_path = pg_temp, pf',
    ]) {
      const { out } = psql(attempt, SEEN);
      expect(out.replace(/^f\n/, ''), attempt).toBe('acme\n');
    }
    const { out, err } = psql('set row_security = off', SEEN);
    expect(out).toBe('');
    expect(err).toMatch(/ERROR: {2}query would be affected by row-level security policy/);
  });

  test('cannot write, and neither read nor reach what is not its own', () => {
    for (const attempt of [
      `insert into pf.statements select * from pf.statements`,
      `update pf.statements set tenant = 'acme'`,
      'delete from pf.statements',
      'truncate pf.sessions',
      `select pf.erase('acme', true)`,
      'select * from pf.tenant_logins',
      'select * from pf.writers',
      'create table pf.mine (a int)',
      'create table public.mine (a int)',
      'create temporary table mine (a int)',
      'alter table pf.statements disable row level security',
      'create policy mine on pf.statements using (true)',
      'grant pf_auditor to current_user',
      `create role helper`,
      `copy (select 1) to program 'id'`,
      `select pg_read_file('PG_VERSION')`,
    ]) {
      const { out, err } = psql(attempt);
      expect(out, attempt).toBe('');
      expect(err, attempt).toMatch(/ERROR: {2}(permission denied|must be owner)/);
    }
    const { err } = psql('\\connect postgres');
    expect(err).toMatch(/permission denied for database "postgres"/);
  });

  test('owns nothing', () => {
    const mine = '(select oid from pg_roles where rolname = session_user)';
    const { out } = psql(
      `select count(*) from pg_class where relowner = ${mine}`,
      `select count(*) from pg_proc where proowner = ${mine}`,
      `select count(*) from pg_namespace where nspowner = ${mine}`,
      `select count(*) from pg_database where datdba = ${mine}`,
      `select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication from pg_roles where rolname = session_user`,
    );
    expect(out).toBe('0\n0\n0\n0\nf\n');
  });

  test('is let in with its password alone, and not after its login was dropped', async () => {
    const right = password;
    password = 'another-password-0';
    expect(psql('select 1').err).toMatch(/password authentication failed/);
    password = right;
    expect((await ledger.pfctl(['ledger', 'login', 'drop', '--tenant', 'acme'])).code).toBe(0);
    expect(psql('select 1').err).toMatch(/password authentication failed/);
  });
});
