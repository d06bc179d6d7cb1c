import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CHECKOUT, temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, expect, test } from 'vitest';
import { pfctl } from './terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const TSX = pathToFileURL(join(CHECKOUT, 'node_modules/tsx/dist/loader.mjs')).href;
const MAIN = join(CHECKOUT, 'apps/pfctl/src/main.ts');

/** A checkout with the shims alone, or with something built. */
function checkout(built?: string): string {
  const folder = folders.make(built === undefined ? {} : { 'apps/pfctl/dist/main.mjs': built });
  mkdirSync(join(folder, 'apps/pfctl/bin'), { recursive: true });
  copyFileSync(join(CHECKOUT, 'apps/pfctl/bin/pfctl.mjs'), join(folder, 'apps/pfctl/bin/pfctl.mjs'));
  copyFileSync(join(CHECKOUT, 'pfctl'), join(folder, 'pfctl'));
  chmodSync(join(folder, 'pfctl'), 0o755);
  return folder;
}

test('a checkout that was not built says what to do', () => {
  const { status, stdout, stderr } = spawnSync(join(checkout(), 'pfctl'), ['status'], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
  expect(stderr).toBe('pfctl: expected the built program in apps/pfctl/dist; run npm ci first\n');
});

test('./pfctl finds its checkout through links, and passes arguments and exit code as they are', () => {
  const here = checkout('console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 2;');
  const elsewhere = folders.make();
  symlinkSync(join(here, 'pfctl'), join(elsewhere, 'one'));
  symlinkSync('one', join(elsewhere, 'two'));
  const { status, stdout } = spawnSync(join(elsewhere, 'two'), ['a b', '', '$x'], {
    cwd: '/',
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '["a b","","$x"]\n' });
});

test('a reader that goes away ends a long replay quietly', async () => {
  const home = folders.make();
  await pfctl(['init', 'desk', '--directory', home]);
  await pfctl(['policy', 'compile', join(home, 'desk')]);
  const args = ['--import', TSX, MAIN, 'replay', '--bundle', join(home, 'desk/bundle.json'), '--trace', '-'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  const event = { at: '2026-01-01T00:00:00Z', action: 'call', tool: 'send_mail', args: { to: 'x' } };
  const line = `${JSON.stringify({
    session: 's',
    principal: { id: 'a', tenant: 'acme' },
    events: Array.from({ length: 500 }, () => event),
  })}\n`;
  const feed = () => {
    while (child.stdin.writable && child.stdin.write(line));
  };
  child.stdin.on('drain', feed);
  feed();
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.on('exit', resolve));
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
});
