import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from '../case.ts';
import { startServer } from '../embedded-server.ts';
import { postgresIn, signal } from '../postgres-processes.ts';
import { Site } from '../site.ts';

const SECOND = 1_000;

/** `silent`: it keeps its connections and says nothing. `gone`: it ends, and whoever connects is turned away. */
function away(kind: 'silent' | 'gone'): Case {
  return {
    name: `database-${kind}`,
    fault:
      kind === 'silent'
        ? 'PostgreSQL stopped (SIGSTOP) for longer than the evidence may lag, then goes on'
        : 'PostgreSQL killed, and gone for longer than the evidence may lag',
    async run(trial) {
      const { bench, quick, tally } = trial;
      const [lagMs, awayMs] = quick ? [3 * SECOND, 8 * SECOND] : [20 * SECOND, 60 * SECOND];
      const server = await startServer(bench.newFolder());
      try {
        const data = bench.newFolder();
        const variant = { evidence_max_lag: `${lagMs}ms` };
        const site = new Site(trial, { data, database: server.url, variant });
        await site.start();
        await site.load({ answers: 100 });
        const keepAway = awayFor(server.directory, kind, awayMs);
        await sleep(200);
        const before = site.agents.answers;
        // A margin on both sides: what is shipped when the clock begins, and how often the lag is looked at.
        await site.load({ ms: lagMs / 2 });
        const within = site.agents.answers - before;
        if (within < 20 || count(site) > 0)
          tally.problems.push(`within the lag ${within} were answered and ${count(site)} refused`);
        await sleep(lagMs);
        const [answered, refused] = [site.said.answered.size, count(site)];
        await site.load({ ms: awayMs - 2.5 * lagMs });
        if (site.said.answered.size > answered || count(site) === refused)
          tally.problems.push('decisions went on although the ledger was behind for too long');
        tally.notes.push(
          `away for ${awayMs / SECOND} s: ${within} answered within the lag, then ${count(site)} refused by name`,
        );
        await keepAway;
        await site.goOn('when it was back');
        await site.load({ answers: 100 });
        await site.finish();
      } finally {
        await bench.sweepUp();
        await server.stop();
      }
    },
  };
}

/** Evidence is behind, or, as the database keeps both, what was revoked is not known any more. */
function count({ said: { refusals } }: Site): number {
  return (refusals.get('EVIDENCE_UNAVAILABLE') ?? 0) + (refusals.get('AUTHORITY_STALE') ?? 0);
}

async function awayFor(directory: string, kind: 'silent' | 'gone', ms: number): Promise<void> {
  const timeUp = Date.now() + ms;
  const name = kind === 'silent' ? 'SIGSTOP' : 'SIGKILL';
  // Again and again: whoever looks after it starts it anew.
  while (Date.now() < timeUp) {
    signal((await postgresIn(directory)).all, name);
    await sleep(kind === 'silent' ? 500 : 20);
  }
  if (kind === 'silent') signal((await postgresIn(directory)).all, 'SIGCONT');
}

export const DATABASE_AWAY: readonly Case[] = [away('silent'), away('gone')];
