import { execFileSync } from 'node:child_process';
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { LogOutput } from './log-output.ts';

describe('the log of pf run', () => {
  it('never waits for its reader: it keeps whole lines while there is room, and says how many were lost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pf-log-'));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const fd = openSync(pipe, 'r+'); // both ends: opening does not wait, writing does
    try {
      const output = new LogOutput(fd);
      const lost = new Promise<number>((resolve) => {
        output.onDropped = resolve;
      });
      const line = 'x'.repeat(999);
      for (let at = 0; at < 3000; at++) output.write(`${line}\n`);
      const asked = performance.now();
      await new Promise<void>((resolve) => output.flush(resolve));
      expect(performance.now() - asked).toBeLessThan(5000);

      let lines = 0;
      const reader = createInterface({ input: createReadStream(pipe) }).on('line', (read) => {
        expect(read).toBe(line);
        lines++;
      });
      const dropped = await lost;
      await new Promise<void>((resolve) => output.flush(resolve));
      await expect.poll(() => lines, { timeout: 10_000 }).toBe(3000 - dropped);
      expect(lines).toBeGreaterThan(1000);
      expect(dropped).toBeGreaterThan(1000);
      closeSync(fd);
      reader.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
