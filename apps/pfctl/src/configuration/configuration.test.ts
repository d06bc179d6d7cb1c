import { existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT, temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const LIVE = 'config/local/policy-config';

function project(files: Readonly<Record<string, string>> = {}): string {
  return folders.make({ 'config/local/fabric.yaml': 'epoch: 7\n', ...files });
}

const run = (directory: string, ...args: string[]) => pfctl(['config', ...args], { directory });

describe('config set refuses', () => {
  test.each([
    [
      ['enforcement_mode', 'enforced'],
      '`enforcement_mode`: expected one of shadow, monitor, enforce, disabled, came',
    ],
    [['cache_size', '0'], '`cache_size`: expected a whole number of 1 to 1000000, came `0`'],
    [['cache_size', '1 2'], 'expected a whole number'],
    [['cach_size', '5'], 'unknown key `cach_size`; did you mean `cache_size`?'],
    [['listen', '0.0.0.0:1'], 'expected a live key, came `listen`, which is a member of fabric.yaml'],
    [['../fabric.yaml', 'x'], 'unknown key `../fabric.yaml`'],
    [['__proto__', 'x'], 'unknown key `__proto__`'],
    [['log_level', 'debug', '--env', 'locla'], 'config/locla: no such environment; did you mean `local`?'],
    [['log_level', 'debug', '--env', '../x'], 'expected an environment name'],
  ])('%j', async (args, said) => {
    const directory = project();
    expect(await run(directory, 'set', ...args)).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining(said),
    });
    expect(existsSync(join(directory, LIVE))).toBe(false);
  });

  test('a mounted ConfigMap, with the command that changes it', async () => {
    const directory = project({ [`${LIVE}/..2026/log_level`]: 'info' });
    symlinkSync('..2026', join(directory, LIVE, '..data'));
    symlinkSync('..data/log_level', join(directory, LIVE, 'log_level'));
    for (const key of ['log_level', 'cache_size']) {
      const { code, err } = await run(directory, 'set', key, key === 'log_level' ? 'debug' : '5');
      expect(code).toBe(3);
      expect(err).toContain(
        'came a mounted ConfigMap; change that instead: `kubectl patch configmap policy-config',
      );
    }
    expect(readFileSync(join(directory, LIVE, '..2026/log_level'), 'utf8')).toBe('info');
    expect(readdirSync(join(directory, LIVE)).sort()).toEqual(['..2026', '..data', 'log_level']);
  });

  test('links that lead elsewhere, and what is no file', async () => {
    const outside = folders.make({ victim: 'untouched' });
    const linked = project({ [`${LIVE}/x`]: '' });
    symlinkSync(join(outside, 'victim'), join(linked, LIVE, 'log_level'));
    expect((await run(linked, 'set', 'log_level', 'debug')).err).toContain('came a link');
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched');

    const folder = project();
    symlinkSync(outside, join(folder, LIVE));
    expect((await run(folder, 'set', 'log_level', 'debug')).err).toContain('came a link');
    expect(readdirSync(outside)).toEqual(['victim']);

    const nested = project({ [`${LIVE}/log_level/x`]: '' });
    expect(await run(nested, 'set', 'log_level', 'debug')).toMatchObject({ code: 3, out: '' });
  });
});

describe('config set', () => {
  test('writes the value whole, says what it was, and is idempotent', async () => {
    const directory = project();
    expect(await run(directory, 'set', 'enforcement_mode', 'shadow')).toEqual({
      code: 0,
      out: `enforcement_mode: enforce (default) → shadow in ${join(directory, LIVE)}\n`,
      err: '',
    });
    const path = join(directory, LIVE, 'enforcement_mode');
    expect(readFileSync(path, 'utf8')).toBe('shadow\n');
    expect(statSync(path).mode & 0o777).toBe(0o644);
    const { ino } = lstatSync(path);
    expect((await run(directory, 'set', 'enforcement_mode', ' shadow\n')).out).toBe(
      `enforcement_mode: shadow (unchanged) in ${join(directory, LIVE)}\n`,
    );
    expect(lstatSync(path).ino).toBe(ino);
    expect((await run(directory, 'set', 'enforcement_mode', 'monitor', '--format', 'json')).out).toBe(
      '{"environment":"local","key":"enforcement_mode","before":"shadow","after":"monitor","changed":true}\n',
    );
    expect(readdirSync(join(directory, LIVE))).toEqual(['enforcement_mode']);
    expect((await run(directory, 'set', 'default_mode', 'shadow')).out).toBe(
      `default_mode: none (default) → shadow in ${join(directory, LIVE)}\n`,
    );
  });

  test('mends a half-written file, in an environment that is otherwise broken', async () => {
    const directory = project({
      [`${LIVE}/cache_size`]: '10\u001b[2J',
      'config/local/fabric.yaml': 'epoch: [',
    });
    expect((await run(directory, 'set', 'cache_size', '0020')).out).toBe(
      `cache_size: a refused value → 20 in ${join(directory, LIVE)}\n`,
    );
    expect(readFileSync(join(directory, LIVE, 'cache_size'), 'utf8')).toBe('20\n');
  });
});

describe('config validate', () => {
  test('says every problem, and nothing that steers the terminal', async () => {
    const directory = project({
      'config/local/fabric.yaml': 'epoch: -1\n"lis\\u001b[2Jten": a:1\n',
      'config/local/upstreams.yaml': 'all: { command: a }\n',
      [`${LIVE}/log_level`]: 'loud\u202e',
      [`${LIVE}/wat`]: '',
    });
    const { code, out, err } = await run(directory, 'validate');
    expect({ code, err }).toEqual({ code: 3, err: '' });
    expect(out.trimEnd().split('\n')).toEqual([
      expect.stringContaining('config/local/fabric.yaml:1:8: `epoch`'),
      expect.stringContaining('config/local/fabric.yaml:2:1: unknown key `lis\\u001b[2Jten`; the keys are'),
      expect.stringContaining('policy-config/wat: unknown key `wat`'),
      expect.stringContaining(
        'policy-config/log_level: expected one of debug, info, warn, error, came `loud\\u202e`',
      ),
      expect.stringContaining('config/local/upstreams.yaml:1:1: expected another name than `all`'),
      'config/local: 5 problems: nothing of it would be used',
    ]);
    const json = JSON.parse((await run(directory, 'validate', '--format', 'json')).out);
    expect(json).toMatchObject({ environment: 'local', valid: false });
    expect(json.problems).toHaveLength(5);
    expect(json.problems[0]).toMatchObject({ file: 'config/local/fabric.yaml', line: 1, column: 8 });
  });

  test('misses a bundle that should be here, but not one on another machine', async () => {
    const missing = project({ 'config/local/fabric.yaml': 'bundle: bundles/none\n' });
    expect((await run(missing, 'validate')).out).toContain(
      "expected a bundle's folder, came nothing at `bundles/none`",
    );
    const elsewhere = project({ 'config/local/fabric.yaml': 'bundle: /srv/bundles/none\n' });
    expect(await run(elsewhere, 'validate')).toMatchObject({ code: 0, out: 'config/local: valid\n' });
  });

  test.each(readdirSync(join(CHECKOUT, 'config')))(
    'the shipped environment %s is valid',
    async (environment) => {
      expect(await run(CHECKOUT, 'validate', '--env', environment)).toMatchObject({ code: 0, err: '' });
    },
  );
});

describe('config show', () => {
  test('says what holds, where it comes from, and no secret', async () => {
    const directory = project({
      'config/local/fabric.yaml': '# a comment\nepoch: 7\nmax_body: 1024KiB\n',
      [`${LIVE}/log_level`]: 'debug',
      'config/local/upstreams.yaml': 'a:\n  command: "c"\n  args: [hunter2]\n  env: { KEY: hunter2 }\n',
    });
    const { code, out } = await run(directory, 'show');
    expect(code).toBe(0);
    const rows = out.split('\n').map((line) => line.split(/ {2,}/));
    expect(rows).toContainEqual(['epoch', '7', 'config/local/fabric.yaml:2']);
    expect(rows).toContainEqual(['max_body', '1MiB', 'config/local/fabric.yaml:3']);
    expect(rows).toContainEqual(['data_dir', '.pf/local', 'default']);
    expect(rows).toContainEqual(['bundle', '-', 'default']);
    expect(rows).toContainEqual(['log_level', 'debug', 'config/local/policy-config/log_level']);
    expect(rows).toContainEqual([
      'upstreams.a.env',
      'KEY (values not shown)',
      'config/local/upstreams.yaml:1',
    ]);
    const json = await run(directory, 'show', '--format', 'json');
    expect(JSON.parse(json.out).settings.evidence_max_lag).toEqual({
      where: 'fabric.yaml',
      value: '60s',
      source: 'default',
    });
    expect(out + json.out).not.toContain('hunter2');
  });

  test('says what is wrong instead where something is', async () => {
    const directory = project({ 'config/local/fabric.yaml': 'database: postgres://a:hunter2@b/c\n' });
    const { code, out, err } = await run(directory, 'show');
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain('DATABASE_URL');
    expect(err).not.toContain('hunter2');
  });
});
