import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ENGINES, runIn, testSandbox } from '../sandbox.fixture.ts';
import { podmanEngine } from './podman.ts';

const podman = ENGINES.find(({ name }) => name === 'podman');

it('says what podman said, as far as it is short, and that it said nothing', () => {
  const engine = podmanEngine({ program: 'podman', folders: tmpdir() });
  expect(engine.diagnose('warning\nError: no runc\n')).toBe('podman: `Error: no runc`');
  expect(engine.diagnose('x'.repeat(9_999)).length).toBeLessThan(320);
  expect(engine.diagnose('')).toMatch(/before it had set up/);
});

it.skipIf(podman?.missing !== undefined)(
  `is taken where bubblewrap is not, and refuses what it cannot show (${podman?.missing ?? 'real podman'})`,
  async () => {
    const sandbox = testSandbox(podman?.options);
    expect(await sandbox.ability()).toMatchObject({ engine: expect.stringMatching(/^podman \d/) });
    const folder = mkdtempSync(join(tmpdir(), 'pf:colon-'));
    await expect(runIn(sandbox, 'true', { readOnly: [folder] })).rejects.toMatchObject({
      code: 'SANDBOX_UNAVAILABLE',
      message: expect.stringContaining('colon'),
    });
    rmSync(folder, { recursive: true });
    const shown = { readOnly: ['/usr/share'], environment: { STAGE: "a 'b' \n$(id)" } };
    const result = await runIn(sandbox, 'touch /usr/share/x || printf %s "$STAGE"; exit 126', shown);
    expect(result).toMatchObject({ rc: 126, end: 'exited', stdout: "a 'b' \n$(id)" });
  },
);

it.skipIf(podman?.missing !== undefined)(
  `ends a container that is still being made, and runs several at once (${podman?.missing ?? 'real podman'})`,
  async () => {
    const sandbox = testSandbox(podman?.options);
    const early = await runIn(sandbox, 'echo begun', { limits: { timeoutMs: 1 } });
    expect(early).toMatchObject({ rc: 124, end: 'timed-out', stdout: '' });
    const results = await Promise.all([1, 2, 3].map((rc) => runIn(sandbox, `exit ${rc}`)));
    expect(results.map(({ rc, end }) => [rc, end])).toEqual([1, 2, 3].map((rc) => [rc, 'exited']));
    const left = [...readdirSync('/run'), ...readdirSync(tmpdir())];
    const own = new RegExp(`^pf-(pod|sandbox)-\\d+-${process.pid}-`);
    expect(left.filter((name) => own.test(name))).toEqual([]);
  },
);
