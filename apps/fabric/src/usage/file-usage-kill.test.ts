import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fileUsage } from './file-usage.ts';

const PROGRAM = fileURLToPath(new URL('./reserving-program.fixture.ts', import.meta.url));
const LANES = 8;

/** How many reservations were answered and kept until the process was killed. */
async function answeredUntilKilled(folder: string, run: number, lines: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, folder, `${run}`], {
    cwd: resolve(import.meta.dirname, '../../../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.split('\n').length > lines) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return output.split('\n').length - 1;
}

it('a process that is killed at any moment has lost no charge that it answered on', {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pf-usage-kill-'));
  try {
    let answered = 0;
    for (const [run, lines] of [30, 111, 400].entries()) {
      answered += await answeredUntilKilled(folder, run, lines);
      const usage = fileUsage(folder);
      const charge = {
        clause: 'c',
        unit: 'calls',
        key: 'tenant',
        amount: 1,
        window_ms: null,
        tolerance_ms: 0,
      };
      const request = { tenant: 'acme', certificateId: 'probe', at: 1, charges: [charge] };
      const { used, release } = await usage.reserve(request);
      expect(used[0]).toBeGreaterThanOrEqual(answered);
      // What each lane was in the middle of may count as well.
      expect(used[0]).toBeLessThanOrEqual(answered + LANES * (run + 1));
      await release(['c']);
      await usage.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
