import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMITS, NO_SANDBOX, runIn, testSandbox } from './sandbox.fixture.ts';
import { makeWorkspace } from './workspace.ts';

it('without bubblewrap and podman nothing runs, and the answer says what to install', async () => {
  const sandbox = testSandbox({ bubblewrap: '/nonexistent/bwrap', podman: '/nonexistent/podman' });
  const ability = await sandbox.ability();
  expect(ability).toMatchObject({ tier: 'none', engine: 'none' });
  expect(ability.missing).toEqual([
    expect.stringContaining('install the package bubblewrap'),
    expect.stringContaining('podman'),
  ]);
  const workspace = await makeWorkspace(tmpdir());
  const run = { folder: workspace.folder, commands: ['true'], limits: LIMITS, readOnly: [] };
  await expect(sandbox.run(run)).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
  await workspace.remove();
});

describe.skipIf(NO_SANDBOX !== undefined)(`a run (${NO_SANDBOX ?? 'real bubblewrap'})`, () => {
  const sandbox = testSandbox();

  it('answers with the code of its command, whatever ended it', async () => {
    const codes: [string | string[], number][] = [
      ['exit 3', 3],
      ['kill -TERM $$', 143],
      [['perl', '-e', 'kill 6, $$; sleep 9'], 134],
      ['no-such-program', 127],
      [['no-such-program', 'x'], 127],
      [['/etc/passwd'], 126],
    ];
    for (const [command, rc] of codes) {
      expect(await runIn(sandbox, command)).toMatchObject({
        rc,
        end: 'exited',
        timed_out: false,
        commands: 1,
      });
    }
  });

  it('has its input closed, and its arguments as they were given', async () => {
    const argument = `$(id) "'\\ \n*`;
    const { stdout } = await runIn(sandbox, [
      'perl',
      '-e',
      'print join "|", @ARGV, defined(<STDIN>) ? 1 : 0',
      '--',
      argument,
      '',
    ]);
    expect(stdout).toBe(`${argument}||0`);
  });

  it('runs one command after the other on one folder until one fails; nothing else goes from one to the next', async () => {
    const workspace = await makeWorkspace(tmpdir());
    const { rc, commands, stdout } = await sandbox.run({
      folder: workspace.folder,
      commands: [
        'echo a > file; echo b > /tmp/file; sleep 60 &',
        'cat file; ls /tmp; echo /proc/[0-9]*; exit 5',
        'echo never',
      ],
      limits: LIMITS,
      readOnly: [],
    });
    expect([rc, commands, stdout]).toEqual([5, 2, 'a\n/proc/1 /proc/2\n']);
    await workspace.remove();
  });

  it('runs next to others, each with limits and a folder of its own', async () => {
    const fresh = testSandbox();
    const results = await Promise.all(
      [1, 2, 3, 4, 5].map((rc) => runIn(fresh, `echo ${rc} > out; cat out; exit ${rc}`)),
    );
    expect(results.map(({ rc, stdout }) => [rc, stdout])).toEqual(
      [1, 2, 3, 4, 5].map((rc) => [rc, `${rc}\n`]),
    );
  });

  it('says in which tier and by which engine', async () => {
    const ability = await sandbox.ability();
    const result = await runIn(sandbox, 'true');
    expect(ability.engine).toMatch(/^bubblewrap \d/);
    expect([result.tier, result.engine]).toEqual([ability.tier, ability.engine]);
    expect(ability.missing.length === 0).toBe(ability.tier === 'cgroups');
    expect((await testSandbox({ cgroup: false }).ability()).tier).toBe('rlimits');
  });

  it('shows a further folder of the host, and lets nobody write there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pf-shown-'));
    const shown = { readOnly: ['/usr/share'] };
    expect((await runIn(sandbox, 'touch /usr/share/x', shown)).rc).toBe(1);
    const hidden = testSandbox({ hidden: [join(folder, 'data')] });
    await expect(runIn(hidden, 'true', { readOnly: [folder] })).rejects.toThrow(/governor's own data/);
    rmSync(folder, { recursive: true });
  });
});
