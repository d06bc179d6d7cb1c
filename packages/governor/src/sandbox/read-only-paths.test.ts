import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkReadOnly } from './read-only-paths.ts';

let base: string;

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'pf-shown-')));
  for (const name of ['tree', 'tree/src', 'tools', 'tree-tools']) mkdirSync(join(base, name));
  symlinkSync(join(base, 'tools'), join(base, 'link'));
});
afterAll(() => rmSync(base, { recursive: true }));

it('no folder of the system, no link, no way around and nothing of the governed tree is shown', async () => {
  const hidden = [join(base, 'tree')];
  const wrong = [
    '/',
    '/proc',
    '/proc/1',
    '/sys',
    '/dev/sda',
    '/run/docker.sock',
    '/var/run',
    '/etc',
    '/home',
    '/tmp',
    '/workspace/x',
  ];
  const twisted = [
    `${base}/tools/../tree`,
    `${base}/tools/`,
    'tools',
    './x',
    `${base}//tools`,
    `${base}/tools\0`,
  ];
  const ours = [base, join(base, 'tree'), join(base, 'tree/src')];
  for (const path of [
    ...wrong,
    ...twisted,
    ...ours,
    join(base, 'link'),
    join(base, 'link/x'),
    join(base, 'absent'),
  ]) {
    await expect(checkReadOnly([path], hidden), path).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
  }
});

it('a folder beside the tree is, also where its name begins alike', async () => {
  const paths = [join(base, 'tools'), join(base, 'tree-tools')];
  expect(await checkReadOnly(paths, [join(base, 'tree')])).toEqual(paths);
});
