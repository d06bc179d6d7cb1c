import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Case } from '../case.ts';
import { postgresIn, signal } from '../postgres-processes.ts';
import { Site } from '../site.ts';
import { dropUnsynced } from '../unsynced/power-failure.ts';

const CALLS = [
  'openat',
  'write',
  'pwrite64',
  'writev',
  'pwritev',
  'pwritev2',
  'fsync',
  'fdatasync',
  'rename',
  'renameat',
  'renameat2',
  'link',
  'linkat',
  'ftruncate',
];

/** The fabric and its PostgreSQL together, as a machine without power ends. */
export const POWER_FAILURES: Case = {
  name: 'power-failure',
  fault: 'all killed at once, and what was not synced is dropped, page by page',
  needs: ['strace'],
  async run(trial) {
    const { bench, quick, random, tally } = trial;
    const site = new Site(trial, { data: await bench.usedData() });
    const sums = { pages: 0, ofPages: 0, names: 0, ofNames: 0 };
    for (let round = 1; round <= (quick ? 2 : 10); round += 1) {
      const before = bench.newFolder();
      execFileSync('cp', ['-a', site.data, before]);
      const trace = join(bench.folder, `power-${round}.trace`);
      const show = ['-f', '-y', '-xx', '-s', '16384', '-qq', '-e', 'signal=none', '--seccomp-bpf'];
      await site.start({ through: ['strace', '-D', ...show, '-o', trace, '-e', `trace=${CALLS}`] });
      await site.load({ answers: between(random, 1, 200) });
      const loading = site.load();
      await sleep(between(random, 5, 300));
      const { all } = await postgresIn(join(site.data, 'postgres'));
      signal([site.fabric.pid, ...all], 'SIGKILL');
      await site.killed();
      await loading;
      await complete(trace);
      const dropped = dropUnsynced({ data: site.data, before, trace, random });
      for (const key of ['pages', 'ofPages', 'names', 'ofNames'] as const) sums[key] += dropped[key];
      rmSync(before, { recursive: true });
      rmSync(trace);
      await site.recover(`round ${round}, ${JSON.stringify(dropped)}`);
      if (!site.fabric.running) return;
      // The next copy is of files at rest.
      if (round % 2 === 0) await site.agents.settle(site.place);
      await site.fabric.stop();
    }
    await site.start();
    const { pages, ofPages, names, ofNames } = sums;
    tally.notes.push(
      `dropped ${pages} of ${ofPages} unsynced pages, undid ${names} of ${ofNames} unsynced names`,
    );
    await site.finish();
  },
};

/** strace goes on writing for a moment after the last process is gone. */
async function complete(trace: string): Promise<void> {
  for (let last = -1; ; ) {
    await sleep(300);
    const { size } = await stat(trace);
    if (size === last) return;
    last = size;
  }
}
