import { between, type Case } from '../case.ts';
import { Site } from '../site.ts';

/** Every other time nobody comes back to what was left open: then the fabric's own sweep has to find it. */
export const RANDOM_KILLS: Case = {
  name: 'fabric-random',
  fault: 'kill -9 of the fabric at random moments',
  async run(trial) {
    const { bench, quick, random } = trial;
    const rounds = quick ? 4 : 20;
    const site = new Site(trial, { data: await bench.usedData() });
    await site.start();
    for (let round = 1; round <= rounds; round += 1) {
      const answers = between(random, 1, 800);
      await site.load({ answers });
      await site.killed();
      await site.recover(`round ${round}, after ${answers} answers`, { touch: round % 2 === 0 });
      if (!site.fabric.running) break;
    }
    await site.finish();
  },
};
