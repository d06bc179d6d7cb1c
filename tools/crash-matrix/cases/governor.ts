import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Case } from '../case.ts';
import { GovernedSite } from '../governor/governed-site.ts';
import { attach, type Kill } from '../strace.ts';

/** Which each change makes: of its journal, of its files, of the record, of git's. */
const CALLS = ['fsync', 'fdatasync', 'rename', 'mkdir', 'unlink', 'pwrite64', 'write', 'fchmod'];
/** About as often as a thread of the pool makes one in a change or two. */
const MOST_NTH = 8;
const ENOUGH = { answers: 30, ms: 8_000 };

/** Not its children: git and the sandbox run other programs. */
function killsAt({ call, nth }: Kill): readonly string[] {
  const strike = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${nth}`];
  return ['-b', 'execve', '-o', '/dev/null', '-e', 'signal=none', ...strike];
}

export const GOVERNOR: readonly Case[] = [
  {
    name: 'governor-random',
    fault: 'kill -9 of a governor at random moments of its changes',
    async run(trial) {
      const { quick, random } = trial;
      const site = new GovernedSite(trial);
      await site.prepare();
      for (let round = 1; round <= (quick ? 4 : 24); round += 1) {
        const working = site.load({ answers: 1_000, ms: 60_000 });
        // In some lives before anything is answered.
        await site.answered(between(random, 0, 9));
        await sleep(between(random, 0, 120));
        await site.kill();
        await working;
        await site.recover(`round ${round}`);
      }
      await site.finish();
    },
  },
  {
    name: 'governor-calls',
    fault: 'kill -9 of a governor at fsync, write, rename, mkdir and unlink of its changes',
    needs: ['strace'],
    async run(trial) {
      const { quick, random, tally } = trial;
      const site = new GovernedSite(trial);
      await site.prepare();
      for (const call of CALLS)
        for (let point = 0; point < (quick ? 1 : 3); point += 1) {
          const nth = between(random, 1, MOST_NTH);
          await attach([site.pid], killsAt({ call, nth }));
          await site.load(ENOUGH);
          if (!(await site.hasEnded())) {
            tally.missed += 1;
            tally.notes.push(`not reached: ${call} number ${nth}`);
          }
          await site.kill();
          await site.recover(`at ${call} number ${nth}`);
        }
      await site.finish();
    },
  },
];
