import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { between, type Case } from '../case.ts';
import { Site } from '../site.ts';

const HOUR = 3_600_000;

/** The fabric's clock alone: PostgreSQL's, and that of whoever issues tokens, are other machines'. */
export const CLOCK_JUMPS: Case = {
  name: 'clock-jumps',
  fault: 'the clock jumps by hours, forward and back, at work and over restarts',
  async run(trial) {
    const { bench, quick, random } = trial;
    const control = join(bench.folder, 'clock');
    let ahead = 0;
    const jump = () => {
      ahead = between(random, -30 * HOUR, 30 * HOUR);
      writeFileSync(control, `${ahead}\n`);
    };
    writeFileSync(control, '0\n');
    const shim = pathToFileURL(join(import.meta.dirname, '..', 'clock-shim.mjs'));
    shim.searchParams.set('control', control);
    const data = await bench.usedData();
    const site = new Site(trial, { data, node: ['--import', shim.href], ahead: () => ahead });
    await site.start();
    for (let round = 1; round <= (quick ? 2 : 8); round += 1) {
      await site.load({ answers: 100 });
      const loading = site.load({ answers: 200 });
      jump();
      await loading;
      jump();
      await site.load({ answers: 100 });
      if (round % 2 === 0) {
        await site.killed();
        jump();
        await site.recover(`round ${round}`);
      } else await site.goOn(`round ${round}`);
    }
    await site.finish();
  },
};
