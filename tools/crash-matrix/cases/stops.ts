import { join } from 'node:path';
import { between, type Case } from '../case.ts';
import { postgresIn } from '../postgres-processes.ts';
import { Site } from '../site.ts';

/** What starts need at most, and a little more: then it stops while it works. */
const [USED_MS, EMPTY_MS] = [1_500, 5_000];

/** A rollout that is cancelled: nothing may go on running, and nothing may be in the way of the next start. */
export const STOPPED_AT_START: Case = {
  name: 'stopped-at-start',
  fault: 'SIGTERM at random moments of a start, in an empty folder and in a used one',
  async run(trial) {
    const { bench, quick, random, tally } = trial;
    const used = new Site(trial, { data: await bench.usedData() });
    await used.start();
    await used.load({ answers: 60 });
    await used.fabric.stop();
    for (let point = 1; point <= (quick ? 4 : 24); point += 1) {
      const isEmpty = point % 4 === 0;
      const site = isEmpty ? new Site(trial, { data: bench.newFolder() }) : used;
      const afterMs = between(random, 50, isEmpty ? EMPTY_MS : USED_MS);
      await site.start({
        mayEnd: true,
        begun: (child) => void setTimeout(() => child.kill('SIGTERM'), afterMs),
      });
      const exit = await site.fabric.exited;
      const left = (await postgresIn(join(site.data, 'postgres'))).all.length;
      // Before its program is read, a process ends as any does: then it has begun nothing either.
      if ((exit.code !== 0 && exit.signal !== 'SIGTERM') || left > 0)
        tally.problems.push(
          `SIGTERM after ${afterMs} ms: ended with ${JSON.stringify(exit)}, and left ${left} processes of PostgreSQL`,
        );
      await site.fabric.endPostgres();
      await site.killed();
      await site.recover(`SIGTERM after ${afterMs} ms`);
      if (isEmpty) await site.finish();
      else await site.fabric.stop();
    }
    await used.start();
    await used.finish();
  },
};
