import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// The steps of the governor's runbook that need no cluster, in its order, with the built `safeai`, a built `pf serve` and a real
// gpg. Stand-ins take the place of `aws`, which keeps uploads in a folder, and of `kubectl`, which runs here what it is to run
// in the pod.

const ROOT = resolve(import.meta.dirname, '..');
const RECIPIENT = 'security@example.com';
const lacks = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined;
const missing = process.env.CI === 'true' ? [] : ['gpg', 'bwrap', 'curl'].filter(lacks);

const FAKE_AWS = `#!/bin/sh
[ "$1 $2" = "s3 cp" ] || exit 64
case $3 in s3://*) cp "$FAKE_S3/\${3##*/}" "$4" ;; *) cp "$3" "$FAKE_S3/" ;; esac`;
const FAKE_KUBECTL = `#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
exec "$@"`;

let folder = '';
let url = '';
let variables: Record<string, string> = {};
let service: ChildProcess | undefined;
const log: string[] = [];

/** A line of the runbook, in its shell. */
function run(command: string, env: Record<string, string> = {}): { status: number | null; said: string } {
  const { status, stdout } = spawnSync('bash', ['-o', 'pipefail', '-c', `exec 2>&1\n${command}`], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env.PATH as string, ...variables, ...env },
    timeout: 30_000,
  });
  return { status, said: stdout };
}

function startService(): Promise<string> {
  const child = spawn(
    join(ROOT, 'node_modules/.bin/pf'),
    ['serve', 'governor', '--listen-governor', '127.0.0.1:0'],
    {
      cwd: folder,
      env: { ...process.env, ...variables },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  service = child;
  return new Promise((done, failed) => {
    child.once('exit', (code) => failed(new Error(`it ended with ${code}: ${log.join('\n')}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      const { event, port } = JSON.parse(line) as { event: string; port?: number };
      if (event === 'listening') done(`http://127.0.0.1:${port}`);
    });
  });
}

async function stopService(): Promise<void> {
  if (service === undefined || service.exitCode !== null) return;
  const ended = new Promise((done) => service?.once('exit', done));
  service.kill('SIGTERM');
  await ended;
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds() && tries < 100; tries += 1) await sleep(50);
  expect(holds()).toBe(true);
}

const policy = (content: string) => writeFileSync(join(folder, 'policy.yaml'), content);
const FIRST = 'safe_mode: false\nautonomy_tier: beta\nallow_paths: [src/]\nsandbox: { tier: rlimits }\n';
const statusOf = (path: string) => run(`curl -s -o /dev/null -w '%{http_code}' ${url}${path}`).said;
const auditLog = () => readFileSync(join(folder, 'data/audit.log'), 'utf8');

describe.skipIf(missing.length > 0)(`the governor's runbook (needs gpg, bwrap and curl)`, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'governor-runbook-'));
    for (const made of ['bin', 'gpg', 's3', 'tree/src', 'config/local'])
      mkdirSync(join(folder, made), { recursive: true });
    chmodSync(join(folder, 'gpg'), 0o700);
    writeFileSync(join(folder, 'bin/aws'), FAKE_AWS, { mode: 0o755 });
    writeFileSync(join(folder, 'bin/kubectl'), FAKE_KUBECTL, { mode: 0o755 });
    writeFileSync(join(folder, 'config/local/fabric.yaml'), 'data_dir: data\n');
    writeFileSync(join(folder, 'tree/src/number.sh'), 'echo 1\n');
    policy(`version: 1\n${FIRST}`);
    variables = {
      PATH: [join(folder, 'bin'), ROOT, process.env.PATH].join(delimiter),
      HOME: folder,
      GNUPGHOME: join(folder, 'gpg'),
      FAKE_S3: join(folder, 's3'),
      BACKUP_DIR: join(folder, 'backups'),
      GPG_RECIPIENT: RECIPIENT,
      SAFEAI_DATA_DIR: join(folder, 'data'),
      SAFEAI_PROJECT_ROOT: join(folder, 'tree'),
      SAFEAI_POLICY_FILE: join(folder, 'policy.yaml'),
    };
    const made = run(`gpg --batch --passphrase '' --quick-generate-key ${RECIPIENT} default default never`);
    expect(made.status).toBe(0);
  }, 30_000);

  afterAll(async () => {
    await stopService();
    run('gpgconf --kill all');
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('the init container makes a key once, and a restart changes nothing', () => {
    const init = `if [ ! -f "$SAFEAI_DATA_DIR/keys/ed25519.default.sk" ]; then safeai keys generate --key-id default; fi`;
    expect(run(init)).toMatchObject({ status: 0, said: '✓ Generated keypair: default\n' });
    const key = readFileSync(join(folder, 'data/keys/ed25519.default.sk'), 'utf8');
    expect(run(init)).toMatchObject({ status: 0, said: '' });
    expect(run('safeai keys generate --key-id default --if-missing').status).toBe(0);
    expect(run('safeai keys generate --key-id default')).toMatchObject({ status: 1 });
    expect(readFileSync(join(folder, 'data/keys/ed25519.default.sk'), 'utf8')).toBe(key);
  });

  it('the service starts, and its probes and metrics say so', async () => {
    url = await startService();
    for (const path of ['/livez', '/readyz', '/health', '/health/startup'])
      expect(statusOf(path)).toBe('200');
    const { said } = run(`curl -s ${url}/metrics`);
    for (const line of ['safeai_kill_switch_active 0', 'safeai_policy_blocks_total{reason="secrets"} 0'])
      expect(said).toContain(line);
    expect(run('safeai status')).toMatchObject({ status: 0 });
  }, 30_000);

  it('a change lands, and is on record', () => {
    const manifest = {
      version: '1.0.0',
      targets: ['src/number.sh'],
      edits: [{ path: 'src/number.sh', op: 'replace', start: 0, end: 0, text: 'echo 2\n' }],
      tests: ['test "$(sh src/number.sh)" = 2'],
      rationale: 'the number is two',
    };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
    const place = `--url ${url} --token-file ${folder}/token`;
    expect(run(`safeai token create --sub olga --role admin 2> /dev/null > ${folder}/token`).status).toBe(0);
    const { status, said } = run(
      `safeai sign -m ${folder}/manifest.json ${place} | safeai apply ${place} && safeai audit --verify`,
    );
    expect([status, said]).toEqual([0, expect.stringContaining('✓ Audit chain valid')]);
    expect(readFileSync(join(folder, 'tree/src/number.sh'), 'utf8')).toBe('echo 2\n');
  }, 30_000);

  it('at 3 a.m. the kill switch stops it, by the command and by a file, and lets it act again', async () => {
    for (const order of [
      'kubectl -n safeai exec safe-ai-governor-0 -c governor -- safeai kill on --reason "incident 12"',
      'echo stop > $SAFEAI_DATA_DIR/KILL_SWITCH',
    ]) {
      expect(run(order).status).toBe(0);
      await until(() => statusOf('/readyz') === '503');
      expect([statusOf('/livez'), run(`curl -s ${url}/metrics`).said]).toEqual([
        '200',
        expect.stringContaining('safeai_kill_switch_active 1'),
      ]);
      expect(run('safeai kill status').status).toBe(1);
      expect(run('safeai kill off').status).toBe(0);
      await until(() => statusOf('/readyz') === '200');
    }
  }, 60_000);

  it('a backup of the running service is taken, verified, encrypted, uploaded, and put back', async () => {
    const pod = { POD: 'safe-ai-governor-0', S3_URI: 's3://backups/safeai/audit/' };
    const taken = run('scripts/backup-audit.sh', pod);
    expect(taken).toMatchObject({ status: 0, said: expect.stringContaining('✓ Audit chain valid') });
    const [name = ''] = readdirSync(join(folder, 's3'));
    expect(name).toMatch(/^audit_\d{8}_\d{6}\.log\.gz\.gpg$/);
    const before = auditLog();
    // By hand, as the seed has it; the service's own check of the file then says what it lacks.
    writeFileSync(join(folder, 'data/audit.log'), before.split('\n').slice(0, 2).join('\n').concat('\n'));
    const restored = run(`scripts/restore-audit.sh ${name}`, pod);
    expect(restored).toMatchObject({ status: 0, said: expect.stringContaining('✓ Audit chain valid') });
    await until(() => auditLog().startsWith(before));
  }, 60_000);

  it('a log that was cut or forged is not backed up, and a forged backup changes nothing', async () => {
    await stopService();
    const whole = auditLog();
    copyFileSync(join(folder, 'data/audit.log'), join(folder, 'whole.log'));
    const lines = whole.trimEnd().split('\n');
    const forged = lines.map((line) => line.replace('"applied": true', '"applied": false')).join('\n');
    for (const damaged of ['', `${lines.slice(0, -1).join('\n')}\n`, `${forged}\n`]) {
      writeFileSync(join(folder, 'data/audit.log'), damaged);
      const refused = run('scripts/backup-audit.sh');
      expect([refused.status, refused.said]).toEqual([1, expect.stringContaining('no backup was taken')]);
    }
    writeFileSync(join(folder, 'forged.log'), `${forged}\n`);
    expect(run(`safeai audit restore ${folder}/forged.log`).status).toBe(1);
    expect(auditLog()).toBe(`${forged}\n`);
    expect(run(`safeai audit restore ${folder}/whole.log && safeai audit --verify`).status).toBe(0);
    expect(auditLog()).toBe(whole);
  }, 60_000);

  it('a policy that is rolled back applies nothing; one that goes back by a higher version does', async () => {
    const rollback = () => run('safeai rollback --index 2');
    policy(`version: 2\n${FIRST}max_files_per_manifest: 5\n`);
    url = await startService();
    await until(() =>
      log.some((line) => line.includes('"policy-adopted"') && line.includes('"policy_version":2')),
    );
    await stopService();
    policy(`version: 1\n${FIRST}`);
    expect(rollback()).toMatchObject({ status: 1, said: expect.stringContaining('POLICY_ROLLBACK') });
    policy(`version: 3\nrestores: 1\n${FIRST}`);
    expect(rollback()).toMatchObject({ status: 0, said: expect.stringContaining('✓ Rolled back') });
    expect(readFileSync(join(folder, 'tree/src/number.sh'), 'utf8')).toBe('echo 1\n');
  }, 60_000);
});
