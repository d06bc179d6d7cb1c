import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ownHierarchies } from './cgroups/mounts.ts';
import { isLeftover, ownPrefix } from './process-identity.ts';
import { ENGINES, processesNamed, testSandbox } from './sandbox.fixture.ts';
import { makeWorkspace } from './workspace.ts';

it('a process knows its own marks from those of dead ones, and leaves strangers alone', async () => {
  const own = await ownPrefix();
  expect(await isLeftover(`${own}1`)).toBe(false);
  const [, , namespace, pid, start] = own.split('-');
  expect(await isLeftover(`pf-sandbox-${namespace}-${pid}-${Number(start) - 1}-1`)).toBe(true);
  expect(await isLeftover(`pf-sandbox-${namespace}-4194305-1-1`)).toBe(true);
  expect(await isLeftover(`pf-sandbox-1-4194305-1-1`)).toBe(false);
  expect(await isLeftover('pf-sandbox-notes')).toBe(false);
});

for (const { name, options, missing } of ENGINES) {
  it.skipIf(missing !== undefined)(
    `of a governor that was killed nothing runs on, and the next one clears up (${name}: ${missing ?? 'real'})`,
    async () => {
      const word = `pf-${randomUUID()}`;
      const base = realpathSync(mkdtempSync(join(tmpdir(), 'pf-left-')));
      chmodSync(base, 0o755);
      const child = spawn(process.execPath, ['--import', 'tsx', './long-run.fixture.ts', word, name], {
        cwd: import.meta.dirname,
        env: { ...process.env, TMPDIR: base },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const marks = async () => {
        const folders = [base, ...(await ownHierarchies()).map(({ own }) => own)];
        return folders
          .flatMap((folder) => readdirSync(folder))
          .filter((name) => name.includes(`-${child.pid}-`)).length;
      };
      expect(await marks()).toBeGreaterThan(0);
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await gone;
      // The name in the process list is the fixture's argument as well: it is dead by now.
      const own = `-${child.pid}-`;
      for (let tries = 0; processesNamed(word) + processesNamed(own) > 0 && tries < 500; tries++)
        await pause(10);
      expect(processesNamed(word) + processesNamed(own)).toBe(0);
      await testSandbox(options).ability();
      await (await makeWorkspace(base)).remove();
      expect(await marks()).toBe(0);
      rmSync(base, { recursive: true });
    },
  );
}
