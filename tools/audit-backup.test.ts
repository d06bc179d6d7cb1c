import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

// The steps of the governor's runbook that back its audit log up and put it back, with a real gpg. Stand-ins on the PATH take
// the place of S3, of a cluster and of `safeai`, whose checks have tests of their own.

const ROOT = resolve(import.meta.dirname, '..');
const RECIPIENT = 'security@example.com';
const isLoose = process.env.CI !== 'true';
const withoutGpg = isLoose && spawnSync('gpg', ['--version'], { stdio: 'ignore' }).error !== undefined;

/** Keeps what is uploaded in a folder. */
const FAKE_AWS = `#!/bin/sh
[ "$1 $2" = "s3 cp" ] || exit 64
case $3 in s3://*) cp "$FAKE_S3/\${3##*/}" "$4" ;; *) cp "$3" "$FAKE_S3/" ;; esac`;
/** Runs what is to be run in the pod here. */
const FAKE_KUBECTL = `#!/bin/sh
while [ "$1" != -- ]; do echo "$1" >> "$FAKE_S3/../kubectl-said"; shift; done
shift
exec "$@"`;
/** Takes a log for whole unless it says BROKEN. */
const FAKE_SAFEAI = `#!/bin/sh
data=$(printf '%s\\n' "$@" | tail -n 1)
case "$2" in
--verify)
  [ -z "$FAKE_GROWS" ] || echo "$FAKE_GROWS" >> "$data/audit.log"
  [ -z "$FAKE_CHANGES" ] || echo "$FAKE_CHANGES" > "$data/audit.log"
  ! grep -q BROKEN "$data/audit.log" || { echo '✗ Audit chain: 3 behind' >&2; exit 1; }
  echo '✓ Audit chain valid' ;;
restore) ! grep -q BROKEN "$3" || exit 1; cp "$3" "$data/audit.log"; echo '✓ Restored' ;;
esac`;

let home = '';
beforeAll(() => {
  if (withoutGpg) return;
  home = mkdtempSync(join(tmpdir(), 'pf-gpg-'));
  chmodSync(home, 0o700);
  const make = [
    '--batch',
    '--passphrase',
    '',
    '--quick-generate-key',
    RECIPIENT,
    'default',
    'default',
    'never',
  ];
  const { status, stderr } = spawnSync('gpg', make, {
    env: { ...process.env, GNUPGHOME: home },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
});
afterAll(() => {
  if (home === '') return;
  spawnSync('gpgconf', ['--kill', 'all'], { env: { ...process.env, GNUPGHOME: home } });
  rmSync(home, { recursive: true, force: true });
});

let folder = '';
let data = '';
let backups = '';
let s3 = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pf-backup-'));
  data = join(folder, 'data');
  backups = join(folder, 'backups');
  s3 = join(folder, 's3');
  for (const made of [data, s3, join(folder, 'bin')]) mkdirSync(made);
  const programs = { aws: FAKE_AWS, kubectl: FAKE_KUBECTL, safeai: FAKE_SAFEAI };
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(folder, 'bin', name), text, { mode: 0o755 });
  writeFileSync(join(data, 'audit.log'), 'genesis\nrecord 0\nrecord 1\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, env: Record<string, string> = {}, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'scripts', script), args, {
    encoding: 'utf8',
    env: {
      PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
      HOME: folder,
      GNUPGHOME: home,
      FAKE_S3: s3,
      BACKUP_DIR: backups,
      S3_URI: 's3://backups/safeai/audit/',
      GPG_RECIPIENT: RECIPIENT,
      SAFEAI_DATA_DIR: data,
      ...env,
    },
  });
  return { status, said: `${stdout}${stderr}` };
}

/** Also what begins with a dot. */
const kept = () => (existsSync(backups) ? readdirSync(backups) : []);

describe.skipIf(withoutGpg)('a backup of the audit log (gpg where it is)', () => {
  it('is not taken of a log that does not hold, and nothing is left or uploaded', () => {
    appendFileSync(join(data, 'audit.log'), 'BROKEN\n');
    expect(run('backup-audit.sh')).toMatchObject({
      status: 1,
      said: expect.stringContaining('no backup was taken'),
    });
    expect([kept(), readdirSync(s3)]).toEqual([[], []]);
  });

  it('is not taken where the copy is not what was verified', () => {
    const { status, said } = run('backup-audit.sh', { FAKE_CHANGES: 'another log' });
    expect([status, said]).toEqual([1, expect.stringContaining('not the log that was verified')]);
    expect([kept(), readdirSync(s3)]).toEqual([[], []]);
  });

  it('is not taken without a log, a key to encrypt for, or a place that it is in', () => {
    for (const env of [
      { GPG_RECIPIENT: 'nobody@example.com' },
      { GPG_RECIPIENT: '' },
      { SAFEAI_DATA_DIR: '' },
    ])
      expect(run('backup-audit.sh', env).status).not.toBe(0);
    rmSync(join(data, 'audit.log'));
    expect(run('backup-audit.sh').status).not.toBe(0);
    expect([kept(), readdirSync(s3)]).toEqual([[], []]);
  });

  it('is encrypted, uploaded, and put back byte for byte, also while the log grows', () => {
    const before = readFileSync(join(data, 'audit.log'), 'utf8');
    expect(run('backup-audit.sh', { FAKE_GROWS: 'record 2' })).toMatchObject({ status: 0 });
    const [name = ''] = readdirSync(s3);
    expect(name).toMatch(/^audit_\d{8}_\d{6}\.log\.gz\.gpg$/);
    expect(kept()).toEqual([name]);
    expect((statSync(join(backups, name)).mode & 0o777).toString(8)).toBe('600');
    expect(readFileSync(join(backups, name)).includes('record')).toBe(false);
    writeFileSync(join(data, 'audit.log'), 'something else\n');
    expect(run('restore-audit.sh', {}, name)).toMatchObject({
      status: 0,
      said: expect.stringContaining('valid'),
    });
    expect(readFileSync(join(data, 'audit.log'), 'utf8')).toBe(before);
  });

  it('has the older, compressed parts too, the oldest first', () => {
    for (let part = 1; part <= 10; part++)
      writeFileSync(join(data, `audit.log.${part}.gz`), gzipSync(`part ${part}\n`));
    expect(run('backup-audit.sh')).toMatchObject({ status: 0 });
    const [name = ''] = kept();
    expect(run('restore-audit.sh', { S3_URI: '' }, join(backups, name))).toMatchObject({ status: 0 });
    const parts = Array.from({ length: 10 }, (_, part) => `part ${part + 1}\n`).join('');
    expect(readFileSync(join(data, 'audit.log'), 'utf8')).toBe(`${parts}genesis\nrecord 0\nrecord 1\n`);
  });

  it('has what a rotation that was cut off left behind only once', () => {
    writeFileSync(join(data, 'audit.log.1.gz'), gzipSync('genesis\nrecord 0\n'));
    expect(run('backup-audit.sh')).toMatchObject({ status: 0 });
    const [name = ''] = kept();
    expect(run('restore-audit.sh', { S3_URI: '' }, join(backups, name))).toMatchObject({ status: 0 });
    expect(readFileSync(join(data, 'audit.log'), 'utf8')).toBe('genesis\nrecord 0\nrecord 1\n');
  });

  it('is taken from a pod, and put back into it', () => {
    const pod = { POD: 'safe-ai-governor-0', NAMESPACE: 'safeai' };
    expect(run('backup-audit.sh', pod)).toMatchObject({ status: 0 });
    const [name = ''] = kept();
    writeFileSync(join(data, 'audit.log'), '');
    expect(run('restore-audit.sh', pod, name)).toMatchObject({ status: 0 });
    expect(readFileSync(join(data, 'audit.log'), 'utf8')).toContain('record 1');
    expect(readFileSync(join(folder, 'kubectl-said'), 'utf8')).toContain('safeai\nsafe-ai-governor-0\n');
  });

  it('that does not hold changes nothing', () => {
    const broken = join(folder, 'broken');
    writeFileSync(broken, gzipSync('BROKEN\n'));
    spawnSync('gpg', ['--batch', '--encrypt', '--recipient', RECIPIENT, broken], {
      env: { ...process.env, GNUPGHOME: home },
    });
    const before = readFileSync(join(data, 'audit.log'));
    for (const file of [`${broken}.gpg`, broken, 'missing']) {
      expect(run('restore-audit.sh', {}, file).status).not.toBe(0);
      expect(readFileSync(join(data, 'audit.log'))).toEqual(before);
    }
    expect(run('restore-audit.sh').status).not.toBe(0);
  });
});
