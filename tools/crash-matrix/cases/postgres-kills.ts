import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@provability-fabric/storage';
import { between, type Case, type Trial } from '../case.ts';
import { ledgerOf } from '../fabric-process.ts';
import { isAlive, postgresIn, signal } from '../postgres-processes.ts';
import { Site } from '../site.ts';
import { attachToKill } from '../strace.ts';

type Victim = 'backend' | 'postmaster' | 'all of it';

function atRandom(victim: Victim, name: string): Case {
  return {
    name,
    fault: `kill -9 of PostgreSQL (${victim}) at random moments`,
    async run(trial) {
      const { bench, quick, random } = trial;
      const site = new Site(trial, { data: await bench.usedData() });
      await site.start();
      for (let round = 1; round <= (quick ? 2 : 8); round += 1) {
        const loading = site.load({ answers: 500 });
        await sleep(between(random, 0, 600));
        await kill(site.data, victim, random);
        await loading;
        await site.goOn(`round ${round}`);
      }
      if (!site.fabric.log.some(({ event }) => event === 'postgres_exited') && victim !== 'backend')
        trial.tally.problems.push('the fabric did not say that its PostgreSQL had ended');
      await site.finish();
    },
  };
}

const WITH_THE_FABRIC: Case = {
  name: 'postgres-and-fabric',
  fault: 'kill -9 of PostgreSQL and of the fabric at once, at random moments',
  async run(trial) {
    const { bench, quick, random } = trial;
    const site = new Site(trial, { data: await bench.usedData() });
    await site.start();
    for (let round = 1; round <= (quick ? 2 : 10); round += 1) {
      const loading = site.load({ answers: 2_000 });
      await sleep(between(random, 50, 1_500));
      const killing = kill(site.data, 'all of it', random);
      await site.killed();
      await killing;
      await loading;
      await site.recover(`round ${round}`);
      if (!site.fabric.running) break;
    }
    await site.finish();
  },
};

const CALLS = ['fdatasync', 'pwrite64', 'sendto', 'recvfrom', 'openat'] as const;
const POSTMASTER_CALLS = ['accept', 'clone'] as const;

/** The fabric keeps its connections, so somebody else has to bring the postmaster to take one. */
async function knock(site: Site): Promise<void> {
  const opening = openDatabase({ url: ledgerOf(site.data), connections: 1 });
  await opening.then((database) => database.close()).catch(() => undefined); // struck
}

/** Which of its processes comes there first is its own affair. */
const AT_CALLS: Case = {
  name: 'postgres-calls',
  fault: 'kill -9 of a PostgreSQL process where it syncs, writes, talks, opens, accepts or forks',
  needs: ['strace'],
  async run(trial) {
    const { bench, quick, random } = trial;
    const site = new Site(trial, { data: await bench.usedData() });
    await site.start();
    const points: { call: string; nth: number; postmaster: boolean }[] = [];
    for (const call of CALLS)
      for (let point = 0; point < (quick ? 1 : 4); point += 1)
        points.push({ call, nth: between(random, 1, 5 * 2 ** point), postmaster: false });
    for (const call of POSTMASTER_CALLS) points.push({ call, nth: 1, postmaster: true });
    for (const { call, nth, postmaster } of points) {
      const found = await postgresIn(join(site.data, 'postgres'));
      const victims = postmaster && found.postmaster !== undefined ? [found.postmaster] : found.all;
      const tracing = await attachToKill(victims, { call, nth });
      if (postmaster) await knock(site);
      await site.load({ answers: 300 });
      await tracing.detach();
      if (victims.every(isAlive)) {
        trial.tally.missed += 1;
        trial.tally.notes.push(`not reached: ${call} number ${nth}`);
      }
      await site.goOn(`at ${call} number ${nth}`);
    }
    await site.finish();
  },
};

async function kill(data: string, victim: Victim, random: Trial['random']): Promise<void> {
  const { postmaster, backends, all } = await postgresIn(join(data, 'postgres'));
  if (victim === 'all of it') signal(all, 'SIGKILL');
  else if (victim === 'postmaster') signal(postmaster === undefined ? [] : [postmaster], 'SIGKILL');
  else signal(backends.slice(between(random, 0, Math.max(1, backends.length))).slice(0, 1), 'SIGKILL');
}

export const POSTGRES_KILLS: readonly Case[] = [
  atRandom('backend', 'postgres-backend'),
  atRandom('postmaster', 'postgres-postmaster'),
  WITH_THE_FABRIC,
  AT_CALLS,
];
