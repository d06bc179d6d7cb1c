import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const LIVE = 'config/local/policy-config';

function project(files: Readonly<Record<string, string>> = {}): string {
  return folders.make({ 'config/local/fabric.yaml': 'epoch: 7\n', ...files });
}

const run = (directory: string, ...args: string[]) => pfctl(['config', ...args], { directory });

describe('config diff', () => {
  const git = (directory: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-C', directory, ...args], {
      stdio: 'pipe',
    });

  test('compares with a git revision, and touches nothing of the working tree', async () => {
    const directory = project({ [`${LIVE}/log_level`]: 'info' });
    git(directory, 'init', '-q');
    git(directory, 'add', '.');
    git(directory, 'commit', '-qm', 'a');
    expect(await run(directory, 'diff', '--baseline', 'HEAD')).toEqual({
      code: 0,
      out: 'no differences\n',
      err: '',
    });
    writeFileSync(join(directory, LIVE, 'log_level'), 'debug');
    writeFileSync(join(directory, 'config/local/fabric.yaml'), 'epoch: 7\nlisten: "[::1]:1"\n');
    const { code, out } = await run(directory, 'diff', '--baseline', 'HEAD');
    expect(code).toBe(1);
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['KEY', 'BASELINE', 'NOW'],
      ['listen', '127.0.0.1:8080', '[::1]:1'],
      ['log_level', 'info', 'debug'],
      [''],
    ]);
    // A revision looks into its own past, not at what was never committed.
    git(directory, 'rm', '-rq', '--cached', 'config');
    git(directory, 'commit', '-qm', 'b');
    expect((await run(directory, 'diff', '--baseline', 'HEAD')).err).toContain(
      'expected config/local at `HEAD`',
    );
    expect((await run(directory, 'diff', '--baseline', 'HEAD~1')).code).toBe(1);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('pfctl-baseline-'))).toEqual([]);
  });

  test('a link at a revision is not followed, and a revision is never taken for an option', async () => {
    const directory = project();
    symlinkSync('/etc/passwd', join(directory, 'config/local/upstreams.yaml'));
    git(directory, 'init', '-q');
    git(directory, 'add', '.');
    git(directory, 'commit', '-qm', 'a');
    rmSync(join(directory, 'config/local/upstreams.yaml'));
    expect((await run(directory, 'diff', '--baseline', 'HEAD')).err).toContain('came a link or a module');
    for (const name of ['--output=x', 'HEAD:config', 'no-such', '', 'HEAD; touch x', `${'a'.repeat(5000)}`]) {
      const { code, err } = await run(directory, 'diff', `--baseline=${name}`);
      expect(code, name.slice(0, 20)).toBe(3);
      expect(err).toContain('git revision');
    }
    expect(existsSync(join(directory, 'x'))).toBe(false);
  });

  test('compares with another environment, and with a folder of either form', async () => {
    const directory = project({ 'config/other/fabric.yaml': 'epoch: 8\n' });
    const other = await run(directory, 'diff', '--baseline', 'other', '--format', 'json');
    expect(other.code).toBe(1);
    expect(JSON.parse(other.out)).toEqual({
      environment: 'local',
      baseline: 'other',
      differences: [
        { key: 'data_dir', where: 'fabric.yaml', baseline: '.pf/other', now: '.pf/local' },
        {
          key: 'origin',
          where: 'fabric.yaml',
          baseline: 'provability-fabric.local/other',
          now: 'provability-fabric.local/local',
        },
        { key: 'epoch', where: 'fabric.yaml', baseline: '8', now: '7' },
      ],
    });
    const backup = folders.make();
    cpSync(join(directory, 'config'), join(backup, 'config'), { recursive: true });
    expect((await run(directory, 'diff', '--baseline', backup)).code).toBe(0);
    expect((await run(directory, 'diff', '--baseline', join(backup, 'config/local'))).code).toBe(0);
    mkdirSync(join(backup, 'empty'));
    expect((await run(directory, 'diff', '--baseline', join(backup, 'empty'))).code).toBe(3);
  });

  test('a difference in what is not shown is a difference', async () => {
    const upstream = (secret: string) => `a: { command: c, env: { K: ${secret} } }\n`;
    const directory = project({ 'config/local/upstreams.yaml': upstream('hunter2') });
    const backup = folders.make({
      'config/local/fabric.yaml': 'epoch: 7\n',
      'config/local/upstreams.yaml': upstream('x'),
    });
    const { code, out } = await run(directory, 'diff', '--baseline', backup);
    expect(code).toBe(1);
    expect(out).toMatch(/upstreams\.a\.env +K \(values not shown\) +K \(values not shown\)/);
    const broken = folders.make({ 'config/local/fabric.yaml': 'epochs: 7\n' });
    expect((await run(directory, 'diff', '--baseline', broken)).err).toContain(
      'config/local/fabric.yaml:1:1: unknown',
    );
  });

  test('asks for a baseline', async () => {
    expect((await run(project(), 'diff')).err).toBe(
      'pfctl: expected --baseline <name>, came none; --help shows how\n',
    );
  });
});
