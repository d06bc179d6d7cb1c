import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { SECRET_AUDIT_LOGS } from '../migrations/0008-secret-audit-logs.ts';
import { MIGRATIONS } from '../migrations/all.ts';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { asSuperuser, databaseOf, freshDatabase } from '../testing/fresh-database.fixture.ts';
import { asFile, DOWN_FILE, psql, UP_FILE } from './audit-migration.fixture.ts';
import { openSecretAuditLog } from './secret-audit-log.ts';

const missing = spawnSync('psql', ['--version'], { stdio: 'ignore' }).status !== 0;
const skipped = missing && process.env.CI !== 'true';
const why = skipped ? ' (skipped: psql is not installed: Debian postgresql-client)' : '';
const PASSWORD = 'a-password-of-somebody';

/** As the runbook has them, to the letter. */
const RLS = `
SELECT tablename, rowsecurity 
FROM pg_tables 
WHERE schemaname = 'public' 
AND tablename = 'secret_audit_logs';
`;
const INSERT = `
SET app.current_user_role = 'system';
INSERT INTO secret_audit_logs (tenant_id, user_id, secret_key, action, result)
VALUES ('test-tenant', 'system', 'test-secret', 'READ', 'SUCCESS');
`;
const SELECT = `
SELECT * FROM secret_audit_logs 
WHERE tenant_id = 'test-tenant' 
LIMIT 1;
`;
const RECENT = `
SELECT COUNT(*) FROM secret_audit_logs 
WHERE timestamp > NOW() - INTERVAL '1 hour';
`;

const COLUMNS = ['id', 'tenant_id', 'user_id', 'secret_key', 'action', 'result', 'metadata', 'timestamp'];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.stop());

it('the files for psql hold the statements of the migration and nothing else', async () => {
  for (const [file, statements] of [
    [UP_FILE, SECRET_AUDIT_LOGS.up],
    [DOWN_FILE, SECRET_AUDIT_LOGS.down],
  ] as const) {
    const text = await readFile(file, 'utf8');
    const head = text.slice(0, text.indexOf('\n\n') + 2);
    expect(
      head
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('--')),
    ).toBe(true);
    expect(text.slice(head.length), file).toBe(asFile(statements));
  }
});

describe.skipIf(skipped)(`the files for psql${why}`, () => {
  async function done(url: string, ...args: readonly string[]): Promise<string> {
    const { code, out, err } = await psql(url, ...args);
    expect(err.replace(/^(psql:\S+ )?NOTICE: .*\n/gm, '')).toBe('');
    expect(code).toBe(0);
    return out;
  }

  async function isWhole(url: string): Promise<void> {
    const described = await done(url, '-c', '\\d secret_audit_logs');
    for (const column of COLUMNS) expect(described).toMatch(new RegExp(`^ ${column} +\\|`, 'm'));
    expect(described).toMatch(/^ id +\| uuid/m);
    expect(described).toMatch(/^ secret_key +\| character varying\(255\)/m);
    expect(await done(url, '-c', RLS)).toMatch(/secret_audit_logs \| t\b/);
    await done(url, '-c', INSERT);
    expect(await done(url, '-c', SELECT)).toMatch(
      /test-tenant \| system +\| test-secret \| READ +\| SUCCESS/,
    );
    expect(Number(await done(url, '-At', '-c', RECENT))).toBeGreaterThan(0);
  }

  async function isGone(url: string): Promise<void> {
    const { out, err } = await psql(url, '-c', '\\dt secret_audit_logs');
    expect(`${out}${err}`).toContain('Did not find any relation named "secret_audit_logs"');
    const left = await asSuperuser(
      server,
      `select proname from pg_proc where proname ~ '^secret_audit' union select relname from pg_class
       where relname ~ '^secret_audit'`,
      databaseOf(url),
    );
    expect(left).toEqual([]);
  }

  it('work on an empty database, twice in a row, and so does the way back with rows there', async () => {
    const url = await freshDatabase(server);
    await done(url, '-f', UP_FILE);
    await done(url, '-c', INSERT);
    await done(url, '-f', UP_FILE);
    await isWhole(url);
    expect(Number(await done(url, '-At', '-c', RECENT))).toBe(2);
    await done(url, '-f', DOWN_FILE);
    await isGone(url);
    await done(url, '-f', DOWN_FILE);
    await done(url, '-f', UP_FILE);
    await isWhole(url);
  });

  it('work where a fabric has migrated, and are taken over where it does so afterwards, rows and all', async () => {
    const url = await freshDatabase(server, 'schema');
    await isWhole(url);
    await done(url, '-f', UP_FILE);
    await isWhole(url);

    const first = await freshDatabase(server);
    await done(first, '-f', UP_FILE);
    await isWhole(first);
    const database = await openDatabase({ url: first, connections: 2 });
    try {
      const audit = openSecretAuditLog({ database });
      const { rows } = await audit.list({ tenant: 'test-tenant' }, {}, { limit: 10 });
      expect(rows).toMatchObject([{ principal: 'system', secret: 'test-secret', statementDigest: null }]);
      await isWhole(first);
      // What a rollback by hand took is named; and made anew by hand it is there again.
      await done(first, '-f', DOWN_FILE);
      await expect(audit.unattested(0, { limit: 1 })).rejects.toMatchObject({
        code: 'LEDGER_SCHEMA_OLDER',
        message: expect.stringContaining('20241129_secret_audit_logs.sql'),
      });
      await done(first, '-f', UP_FILE);
      expect(await audit.unattested(0, { limit: 1 })).toEqual({ rows: [], next: null });
      await migrate(database, 0);
      await isGone(first);
      await migrate(database, MIGRATIONS.length);
      await isWhole(first);
    } finally {
      await database.close();
    }
  });

  it('let members of the roles do what the runbook says, and a login without them nothing', async () => {
    const url = await freshDatabase(server);
    await done(url, '-f', UP_FILE);
    await asSuperuser(
      server,
      `create role runbook_login login password '${PASSWORD}' in role secrets_audit_writer, secrets_auditor;
       create role other_login login password '${PASSWORD}';
       grant connect on database ${databaseOf(url)} to runbook_login, other_login`,
    );
    const as = (user: string) => url.replace(/\/\/fabric:[^@]*@/, `//${user}:${PASSWORD}@`);
    await isWhole(as('runbook_login'));
    for (const text of [INSERT, SELECT, RECENT]) {
      const { code, err } = await psql(as('other_login'), '-c', text);
      expect(code).not.toBe(0);
      expect(err).toContain('permission denied for table secret_audit_logs');
    }
  });

  it('made by another login, is taken as it is once the fabric has the roles', async () => {
    const url = await freshDatabase(server);
    const name = databaseOf(url);
    await asSuperuser(server, `create role dba superuser login password '${PASSWORD}'`);
    const asDba = url.replace(/\/\/fabric:[^@]*@/, `//dba:${PASSWORD}@`);
    await done(asDba, '-f', UP_FILE);
    const database = await openDatabase({ url, connections: 2 });
    try {
      expect(
        await asSuperuser(
          server,
          `select relowner::regrole::text as owner from pg_class where relname = 'secret_audit_logs'`,
          name,
        ),
      ).toEqual([{ owner: 'dba' }]);
      const audit = openSecretAuditLog({ database });
      expect(await audit.unattested(0, { limit: 1 })).toEqual({ rows: [], next: null });
      await expect(audit.drop(Date.now() - 91 * 86_400_000)).resolves.toEqual([]);
      // Tenants' own reading comes with its owner's next run of the file.
      const reading = () => audit.list({ tenant: 'acme' }, {}, { limit: 1 });
      await expect(reading()).rejects.toMatchObject({ code: 'LEDGER_REFUSED' });
      await done(asDba, '-f', UP_FILE);
      expect(await reading()).toEqual({ rows: [], next: null });
    } finally {
      await database.close();
    }
  });

  it('leave another table of that name alone, by its name', async () => {
    const url = await freshDatabase(server);
    await done(url, '-c', 'create table public.secret_audit_logs (id uuid, tenant_id text)');
    const { code, err } = await psql(url, '-f', UP_FILE);
    expect(code).not.toBe(0);
    expect(err).toContain('public.secret_audit_logs is there, and another table: rename it first');
  });
});
