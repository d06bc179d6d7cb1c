import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { watchDisk } from './disk-watch.ts';

// In memory, where others write less and an empty file takes no byte at all.
it.skipIf(process.platform !== 'linux')(
  'empty files fill a disk as well, which has places for so many',
  async () => {
    const folder = mkdtempSync('/dev/shm/pf-disk-watch-');
    let full = 0;
    const watch = await watchDisk(folder, 4 * 1024 * 1024, () => full++);
    try {
      for (let at = 0; at < 900; at++) writeFileSync(join(folder, `${at}`), '');
      await pause(250);
      expect(full).toBe(0);
      for (let at = 900; at < 3_000; at++) writeFileSync(join(folder, `${at}`), '');
      await pause(250);
      expect(full).toBe(1);
    } finally {
      watch.close();
      rmSync(folder, { recursive: true });
    }
  },
);
