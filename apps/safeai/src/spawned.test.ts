import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT, temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, describe, expect, test } from 'vitest';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

/** A checkout with the shims alone, or with something built. */
function checkout(built?: string): string {
  const folder = folders.make(built === undefined ? {} : { 'apps/safeai/dist/main.mjs': built });
  mkdirSync(join(folder, 'apps/safeai/bin'), { recursive: true });
  copyFileSync(join(CHECKOUT, 'apps/safeai/bin/safeai.mjs'), join(folder, 'apps/safeai/bin/safeai.mjs'));
  copyFileSync(join(CHECKOUT, 'safeai'), join(folder, 'safeai'));
  chmodSync(join(folder, 'safeai'), 0o755);
  return folder;
}

test('a checkout that was not built says what to do', () => {
  const { status, stdout, stderr } = spawnSync(join(checkout(), 'safeai'), ['status'], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toBe('safeai: expected the built program in apps/safeai/dist; run npm ci first\n');
});

test('./safeai finds its checkout through links, and passes arguments and exit code as they are', () => {
  const here = checkout('console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 124;');
  const elsewhere = folders.make();
  symlinkSync(join(here, 'safeai'), join(elsewhere, 'one'));
  symlinkSync('one', join(elsewhere, 'two'));
  const ran = spawnSync(join(elsewhere, 'two'), ['a b', '', '$x'], { cwd: '/', encoding: 'utf8' });
  expect({ status: ran.status, out: ran.stdout }).toEqual({ status: 124, out: '["a b","","$x"]\n' });
});

const built = existsSync(join(CHECKOUT, 'apps/safeai/dist/main.mjs')) || process.env.CI === 'true';

describe.skipIf(!built)('the built program (needs npm run prepare)', () => {
  const directory = folders.make();
  const safeai = (args: readonly string[], variables: Readonly<Record<string, string>> = {}) =>
    spawnSync(join(CHECKOUT, 'safeai'), args, {
      cwd: directory,
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', SAFEAI_DATA_DIR: join(directory, 'pod'), ...variables },
    });

  test('makes the key of an init container in the data folder of the pod, once', () => {
    const args = ['keys', 'generate', '--key-id', 'default'];
    expect(safeai(args)).toMatchObject({ status: 0, stdout: '✓ Generated keypair: default\n', stderr: '' });
    expect(existsSync(join(directory, 'pod/keys/ed25519.default.sk'))).toBe(true);
    expect(safeai(args)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^✗ .*KEY_EXISTS/),
    });
  });

  test('answers quickly, without colour, and says what went wrong on standard error', () => {
    const before = performance.now();
    expect(safeai(['--version'])).toMatchObject({ status: 0, stdout: '1.0.0\n' });
    // 0.1 s on a quiet machine; a suite on two cores is none.
    expect(performance.now() - before).toBeLessThan(3000);
    const wrong = safeai(['aply'], { FORCE_COLOR: '1' });
    expect(wrong).toMatchObject({
      status: 1,
      stdout: '',
      stderr: "✗ unknown command 'aply'\n(Did you mean apply?)\n",
    });
  });
});
