import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, Trial } from '../case.ts';
import { Site } from '../site.ts';
import { SmallDisk } from '../small-disk.ts';
import type { Variant } from '../workbench.ts';

interface Disk {
  readonly name: string;
  readonly what: string;
  /** Below the data folder; '' is all of it. */
  readonly folder: string;
  readonly sizeMiB: number;
  /** Whether decisions go on while it is full, and for how long. */
  readonly goesOnMs: number;
  readonly variant: Variant;
}

const LAG_MS = 2_000;

const DISKS: readonly Disk[] = [
  { name: 'disk-full-journal', what: 'the journal', folder: 'journal', sizeMiB: 8, goesOnMs: 0, variant: {} },
  {
    name: 'disk-full-postgres',
    what: 'PostgreSQL',
    folder: 'postgres',
    sizeMiB: 160,
    goesOnMs: LAG_MS,
    variant: { evidence_max_lag: `${LAG_MS}ms` },
  },
  { name: 'disk-full-both', what: 'all data', folder: '', sizeMiB: 160, goesOnMs: 0, variant: {} },
];

const FULL_MS = 4_000;
const QUICK_FULL_MS = LAG_MS + 500;

function fullDisk({ name, what, folder, sizeMiB, goesOnMs, variant }: Disk): Case {
  return {
    name,
    fault: `no space left for ${what}; then also kill -9 while there is none`,
    needs: ['small file systems'],
    async run(trial) {
      const { bench, quick, tally } = trial;
      const fullMs = quick ? QUICK_FULL_MS : FULL_MS;
      const data = await bench.usedData();
      const disk = SmallDisk.under(join(data, folder), sizeMiB);
      try {
        const site = new Site(trial, { data, variant });
        await site.start();
        for (let round = 1; round <= (quick ? 2 : 4); round += 1) {
          await site.load({ answers: 200 });
          disk.fill();
          const before = site.said.refusals.get('EVIDENCE_UNAVAILABLE') ?? 0;
          const answered = site.agents.answers;
          await site.load({ ms: fullMs });
          const refused = (site.said.refusals.get('EVIDENCE_UNAVAILABLE') ?? 0) - before;
          if (refused === 0) tally.problems.push(`round ${round}: nothing was refused for want of evidence`);
          if (goesOnMs > 0 && site.agents.answers - answered < 20)
            tally.problems.push(
              `round ${round}: decisions did not go on while the ledger was within its lag`,
            );
          tally.notes.push(`full: ${site.agents.answers - answered} answered, ${refused} refused by name`);
          if (round % 2 === 0) {
            await site.killed();
            await startWithoutSpace(site, trial);
            disk.makeSpace();
            await site.recover('killed while there was no space');
          } else {
            disk.makeSpace();
            await sleep(100);
            await site.goOn(`round ${round}`);
          }
        }
        await site.finish();
      } finally {
        await bench.sweepUp();
        disk.unmount();
      }
    },
  };
}

/** It may end, and say why, or serve and refuse. */
async function startWithoutSpace(site: Site, { tally }: Trial): Promise<void> {
  await site.start({ mayEnd: true });
  if (site.fabric.running) await site.load({ ms: 500 });
  else if (!/ENOSPC|no space|53100/i.test(site.fabric.errors))
    tally.problems.push(`a start without space did not say so: ${site.fabric.errors.slice(-500)}`);
  tally.notes.push(
    site.fabric.running
      ? 'started without space'
      : `a start without space: ${site.fabric.errors.trim().slice(0, 140)}`,
  );
  await site.killed();
}

export const FULL_DISKS: readonly Case[] = DISKS.map(fullDisk);
