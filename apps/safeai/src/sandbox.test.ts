import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { safeai } from './terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const missing = spawnSync('bwrap', ['--version']).status !== 0 && process.env.CI !== 'true';

describe.skipIf(missing)('sandbox (needs bubblewrap)', () => {
  const directory = folders.make({ 'project/a.txt': 'hello\n', 'data/keys/ed25519.default.sk': 'secret' });
  const run = (args: readonly string[]) =>
    safeai(['sandbox', ...args], { directory, settings: { projectRoot: 'project' } });

  it('shows the command a copy of the tree and nothing else, and passes on its output', async () => {
    const script = `cat a.txt; echo changed > a.txt; ls ${join(directory, 'data')} >&2; exit 7`;
    const { code, out, err } = await run(['run', '--', '/bin/sh', '-c', script]);
    expect({ code, out }).toEqual({ code: 7, out: 'hello\n' });
    expect(err).toMatch(/No such file|cannot access/);
    expect((await run(['cat', 'a.txt'])).out).toBe('hello\n');
    expect(readdirSync(join(directory, 'project')).filter((name) => name !== '.safeai')).toEqual(['a.txt']);
  });

  it('ends a command whose time is up with 124, and says so', async () => {
    const ran = await run(['run', '--timeout', '300ms', '--', 'sleep', '30']);
    expect(ran).toEqual({ code: 124, out: '', err: '✗ Timed out after 300 ms\n' });
  });

  it('leaves options of the command to the command', async () => {
    const ran = await run(['--timeout', '20s', 'echo', '--timeout', '-x', '--help']);
    expect(ran).toEqual({ code: 0, out: '--timeout -x --help\n', err: '' });
  });

  it('says where there is no tree', async () => {
    const ran = await run(['run', '--project-root', 'nowhere', '--', 'ls']);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(existsSync(join(directory, 'nowhere'))).toBe(false);
  });
});
