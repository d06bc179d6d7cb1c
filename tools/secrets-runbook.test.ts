import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@provability-fabric/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// The steps of the deployment runbook for secrets that need no cluster, as it has them and in its order, against a built
// `pf serve` and a real PostgreSQL. Only the host's name and what it has in angle brackets or as an example is replaced.

const ROOT = resolve(import.meta.dirname, '..');
const HOST = 'https://api.valuecanvas.io';
const TENANT = 'test-tenant';

const lacks = (program: string, ...args: readonly string[]) =>
  spawnSync(program, args, { stdio: 'ignore' }).error !== undefined;
const isLoose = process.env.CI !== 'true';
const withoutPsql = isLoose && lacks('psql', '--version');
const withoutWrk = isLoose && lacks('wrk', '-v');

let folder: string;
let postgres: EmbeddedPostgres | undefined;
let variables: Record<string, string>;
let fabric: ChildProcess | undefined;
const log: string[] = [];
let url: string;

/** A line of the runbook, in its shell. Not awaited synchronously: a service whose log nobody reads stands still. */
async function run(command: string): Promise<string> {
  const script = `exec 2>&1\n${command.replaceAll(HOST, url)}`;
  const { stdout } = await promisify(execFile)('bash', ['-o', 'pipefail', '-c', script], {
    cwd: ROOT,
    env: { ...process.env, ...variables },
    timeout: 20_000,
  });
  return stdout;
}

function pfctl(...args: readonly string[]): string {
  return execFileSync(join(ROOT, 'pfctl'), args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function tokenOf(role: string): string {
  const made = ['token', 'create', '--raw', '--audience', 'secrets', '--tenant', TENANT];
  return pfctl(...made, '--principal', role, '--role', role).trim();
}

/** Resolves with the port that the service listens on. */
async function startService(): Promise<number> {
  const rootKey = join(folder, 'root-key');
  writeFileSync(rootKey, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const args = ['serve', 'secrets', '--listen-secrets', '127.0.0.1:0'];
  const child = spawn(join(ROOT, 'node_modules/.bin/pf'), args, {
    cwd: folder,
    env: { ...process.env, ...variables, SECRETS_ROOT_KEY_FILE: rootKey },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  fabric = child;
  return new Promise((done, failed) => {
    child.once('exit', (code) => failed(new Error(`it ended with ${code}: ${log.join('\n')}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      const { event, port } = JSON.parse(line) as { event: string; port?: number };
      if (event === 'listening') done(port as number);
    });
  });
}

describe.skipIf(withoutPsql)(`the deployment runbook${withoutPsql ? ' (skipped: no psql)' : ''}`, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'secrets-runbook-'));
    mkdirSync(join(folder, 'config/local'), { recursive: true });
    writeFileSync(join(folder, 'config/local/fabric.yaml'), 'data_dir: data\n');
    postgres = await startEmbeddedPostgres({ directory: join(folder, 'database'), emit: () => undefined });
    variables = { DATABASE_URL: postgres.url, PGCONNECT_TIMEOUT: '10' };
    url = 'http://127.0.0.1:9';
  }, 60_000);

  afterAll(async () => {
    if (fabric !== undefined && fabric.exitCode === null) {
      const ended = new Promise((done) => fabric?.once('exit', done));
      fabric.kill('SIGTERM');
      await ended;
    }
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('2.1: the migration makes the table with the columns that are expected', async () => {
    await run('cd supabase/migrations\npsql $DATABASE_URL -f 20241129_secret_audit_logs.sql');
    const described = await run('psql $DATABASE_URL -c "\\d secret_audit_logs"');
    for (const column of ['tenant_id', 'user_id', 'secret_key', 'action', 'result', 'metadata', 'timestamp'])
      expect(described).toMatch(new RegExp(`^ ${column} +\\|`, 'm'));
    expect(described).toMatch(/^ id +\| uuid/m);
  });

  it('2.2: row-level security is on', async () => {
    const said = await run(`psql $DATABASE_URL -c "
SELECT tablename, rowsecurity 
FROM pg_tables 
WHERE schemaname = 'public' 
AND tablename = 'secret_audit_logs';
"`);
    expect(said).toMatch(/secret_audit_logs \| t\b/);
  });

  it('2.3: a row is inserted by hand, and read', async () => {
    await run(`psql $DATABASE_URL -c "
SET app.current_user_role = 'system';
INSERT INTO secret_audit_logs (tenant_id, user_id, secret_key, action, result)
VALUES ('test-tenant', 'system', 'test-secret', 'READ', 'SUCCESS');
"`);
    const said = await run(`psql $DATABASE_URL -c "
SELECT * FROM secret_audit_logs 
WHERE tenant_id = 'test-tenant' 
LIMIT 1;
"`);
    expect(said).toMatch(/test-tenant \| system +\| test-secret/);
  });

  it('3: the service starts on that database and keeps the row', async () => {
    url = `http://127.0.0.1:${await startService()}`;
    variables.ADMIN_TOKEN = tokenOf('secrets-admin');
    variables.API_KEY = tokenOf('secrets-viewer');
    variables.SECRETS_TOKEN = variables.ADMIN_TOKEN;
    expect(pfctl('secrets', 'demo', '--url', url)).toBe('test: written\ntest_secret: written\n');
  }, 60_000);

  it('smoke 1 and 2: it is healthy, and a secret can be had', async () => {
    expect(JSON.parse(await run(`curl -sS ${HOST}/health`))).toMatchObject({ status: 'healthy' });
    const said = await run(`curl -sS ${HOST}/api/test/secret-access \\
  -H "Authorization: Bearer $API_KEY"`);
    expect(JSON.parse(said)).toEqual({ success: true });
  });

  it('5.2: a manual rotation, which stands in the log as SECRET', async () => {
    const said = await run(`curl -sS -X POST ${HOST}/admin/secrets/rotate \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "tenantId": "test-tenant",
    "secretKey": "test_secret"
  }'`);
    expect(JSON.parse(said)).toMatchObject({ tenant: TENANT, secret: 'test_secret', phase: 'done' });
    expect(log.filter((line) => line.includes('SECRET')).join()).toContain('test_secret');
  });

  it('rollback of a secret: with the version id, and without a content type', async () => {
    const path = `/admin/secrets/versions/${TENANT}/test_secret`;
    const listed = await run(`curl -sS ${HOST}${path} -H "Authorization: Bearer $ADMIN_TOKEN"`);
    const [, before] = JSON.parse(listed) as readonly { readonly id: string }[];
    expect(before?.id).toMatch(/^v\d+-[a-z0-9]{6}$/);
    const rollback = async (tenant: string, secret: string, version: string) =>
      JSON.parse(
        await run(`curl -sS -X POST ${HOST}/admin/secrets/rollback \\
  -H "Authorization: Bearer $ADMIN_TOKEN" \\
  -d '{
    "tenantId": "${tenant}",
    "secretKey": "${secret}",
    "targetVersion": "${version}"
  }'`),
      );
    expect(await rollback(TENANT, 'test_secret', before?.id as string)).toMatchObject({
      version: { version: 3 },
    });
    // To the letter it names another tenant's secret.
    expect(await rollback('tenant-id', 'secret-key', 'v1234567890-abc123')).toMatchObject({
      code: 'SECRET_FORBIDDEN',
    });
  });

  it('4.3 and smoke 3: the metrics that are expected', async () => {
    const said = await run(`curl -sS ${HOST}/metrics | grep secret_`);
    for (const metric of ['secret_access_total', 'secret_access_latency_seconds', 'secret_rotation_total'])
      expect(said).toMatch(new RegExp(`^${metric}\\w*\\{.*tenant_id="${TENANT}"`, 'm'));
    expect(await run(`curl -sS ${HOST}/metrics | grep cache_hits`)).toContain('secret_cache_hits_total');
  });

  it('smoke 4: the accesses of the last hour are in the table', async () => {
    const said = await run(`psql $DATABASE_URL -At -c "
SELECT COUNT(*) FROM secret_audit_logs 
WHERE timestamp > NOW() - INTERVAL '1 hour';
"`);
    // The row by hand, and each access above.
    expect(Number(said)).toBeGreaterThan(10);
  });

  it('the row by hand is unattested, and everything else is not', () => {
    const { status, stdout } = spawnSync(
      join(ROOT, 'pfctl'),
      ['continuity', 'check', '--since', '1hour', '--format', 'json'],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, ...variables } },
    );
    expect(JSON.parse(stdout)).toMatchObject({
      continuous: false,
      accesses: { unattested: [{ user: 'system', secret: 'test-secret' }], unattested_count: 1 },
    });
    expect(status).toBe(1);
  }, 20_000);

  it.skipIf(withoutWrk)(
    `the load line runs without an error${withoutWrk ? ' (skipped: no wrk)' : ''}`,
    async () => {
      const said = await run(`wrk -t4 -c100 -d2s \\
  -H "Authorization: Bearer $API_KEY" \\
  ${HOST}/api/secrets/test`);
      expect(said).not.toMatch(/Non-2xx|Socket errors/);
      expect(Number(/Requests\/sec: +([\d.]+)/.exec(said)?.[1])).toBeGreaterThan(100);
    },
    20_000,
  );

  it('rollback of the database: the table is gone, no secret is handed out, and it can be made again', async () => {
    await run('psql $DATABASE_URL -f supabase/migrations/rollback/20241129_secret_audit_logs_rollback.sql');
    expect(await run('psql $DATABASE_URL -c "\\dt secret_audit_logs"')).toContain(
      'Did not find any relation',
    );
    const read = () => run(`curl -sS ${HOST}/api/secrets/test -H "Authorization: Bearer $API_KEY"`);
    expect(JSON.parse(await read())).toMatchObject({ status: 503, code: 'AUDIT_UNAVAILABLE' });
    await run('psql $DATABASE_URL -f supabase/migrations/20241129_secret_audit_logs.sql');
    expect(JSON.parse(await read())).toMatchObject({ name: 'test' });
  });
});
