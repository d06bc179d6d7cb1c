import { mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agents } from '../agents.ts';
import { between, type Case, type Trial } from '../case.ts';
import { type DatabaseServer, startServer } from '../embedded-server.ts';
import { examineEvidence } from '../examine.ts';
import { Said } from '../said.ts';
import { Site } from '../site.ts';
import type { Variant } from '../workbench.ts';

/** Two data folders with logs of their own and one folder of keys: of the ledger, and of each tenant's records. */
async function twoFolders({ bench }: Trial): Promise<readonly [string, string]> {
  const used = await bench.usedData();
  const both = [bench.newFolder(), bench.newFolder()] as const;
  for (const folder of both) {
    mkdirSync(folder, { mode: 0o700 });
    symlinkSync(join(used, 'keys'), join(folder, 'keys'));
  }
  return both;
}

async function examineBoth(
  trial: Trial,
  server: DatabaseServer,
  sites: readonly Site[],
  {
    point,
    said,
    verify,
  }: { readonly point: string; readonly said: readonly Said[]; readonly verify: boolean },
): Promise<void> {
  const { tally } = trial;
  const examined = await examineEvidence({
    folders: sites.map(({ data }) => data),
    ledger: server.url,
    ledgerUrl: sites[0]?.fabric.ledgerUrl,
    said,
    witnesses: sites.map(({ witness }) => witness),
    verify,
  });
  tally.problems.push(...examined.problems.map((problem) => `${point}: ${problem}`));
  tally.ambiguous = examined.ambiguous;
  tally.ledgerEntries = examined.ledgerEntries;
}

async function stopAll({ tally }: Trial, sites: readonly Site[]): Promise<void> {
  for (const site of sites) {
    const exit = await site.fabric.stop();
    if (exit.code !== 0)
      tally.problems.push(`stopped with ${JSON.stringify(exit)}: ${site.fabric.errors.slice(-500)}`);
    site.witness.close();
  }
}

const ONE_LEDGER: Case = {
  name: 'two-fabrics',
  fault: 'two fabrics ship into one PostgreSQL at once; one is killed, then the other',
  async run(trial) {
    const { bench, quick, random, tally } = trial;
    const server = await startServer(bench.newFolder());
    try {
      const folders = await twoFolders(trial);
      const sites = folders.map(
        (data, index) => new Site(trial, { data, database: server.url, prefix: 'ab'[index] ?? 'c' }),
      );
      const said = sites.map((site) => site.said);
      for (const site of sites) await site.start();
      for (let round = 1; round <= (quick ? 2 : 8); round += 1) {
        const loading = Promise.all(sites.map((site) => site.load({ answers: 400 })));
        await sleep(between(random, 50, 800));
        const victim = sites[round % 2] as Site;
        await victim.killed();
        await loading;
        await victim.start();
        for (const site of sites) await site.agents.settle(site.place);
        await victim.agents.touchLeftBehind(victim.place);
        await examineBoth(trial, server, sites, { point: `round ${round}`, said, verify: false });
      }
      await examineBoth(trial, server, sites, { point: 'at the end', said, verify: true });
      tally.answered = said.reduce((sum, { answered }) => sum + answered.size, 0);
      await stopAll(trial, sites);
    } finally {
      await bench.sweepUp();
      await server.stop();
    }
  },
};

const LEASE_MS = 2_000;

/** Both own sessions of one ledger; agents reach a session through either. */
function ownerKilled(assurance: 'standard' | 'high'): Case {
  const takenOver = assurance === 'high';
  return {
    name: `owner-killed-${assurance}`,
    fault: takenOver
      ? 'the owner of sessions is killed; the other fabric takes them over (assurance high)'
      : 'the owner of sessions is killed; they wait for it (assurance standard)',
    async run(trial) {
      const { bench, quick, random, tally } = trial;
      const server = await startServer(bench.newFolder());
      try {
        const [first, second] = await shared(trial, server, assurance);
        const sites = [first, second];
        const said = new Said();
        const agents = new Agents({ said, random, prefix: 'l', count: 8, perSession: 1_000 });
        let [owner, other] = sites as [Site, Site];
        for (let round = 1; round <= (quick ? 1 : 4); round += 1) {
          const enough = agents.answers + 150;
          await agents.act(owner.place, () => agents.answers >= enough);
          // Through the other one: it is not the owner, and passes them on.
          const forwarded = agents.answers + 50;
          await agents.act(other.place, () => agents.answers >= forwarded);
          await owner.killed();
          tally.inFlight += said.interrupted();
          if (takenOver) {
            await sleep(2 * LEASE_MS);
            await settled(agents, said, other);
            await owner.start();
            [owner, other] = [other, owner];
          } else {
            const answered = agents.answers;
            const until = Date.now() + 2 * LEASE_MS;
            await agents.act(other.place, () => Date.now() > until);
            if (agents.answers > answered)
              tally.problems.push(`round ${round}: sessions were decided on without their owner's tail`);
            await owner.start();
            await settled(agents, said, other);
          }
          await examineBoth(trial, server, sites, { point: `round ${round}`, said: [said], verify: false });
        }
        for (const [code, count] of said.refusals) tally.notes.push(`refused ${code}: ${count}`);
        tally.answered = said.answered.size;
        await stopAll(trial, sites);
      } finally {
        await bench.sweepUp();
        await server.stop();
      }
    },
  };
}

async function settled(agents: Agents, said: Said, site: Site): Promise<void> {
  said.restarted();
  await agents.settle(site.place);
  await agents.touchLeftBehind(site.place);
}

async function shared(trial: Trial, server: DatabaseServer, assurance: 'standard' | 'high') {
  const sites: Site[] = [];
  for (const data of await twoFolders(trial)) {
    const port = await freePort();
    const variant: Variant = {
      listen: `127.0.0.1:${port}`,
      advertise: `http://127.0.0.1:${port}`,
      session_lease: `${LEASE_MS}ms`,
    };
    const site = new Site(trial, { data, database: server.url, variant, assurance });
    await site.start();
    sites.push(site);
  }
  return sites as [Site, Site];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return address.port;
}

const ONE_FOLDER: Case = {
  name: 'one-folder-twice',
  fault: 'a second fabric on the same data folder, while the first one works',
  async run(trial) {
    const { bench, tally } = trial;
    const site = new Site(trial, { data: await bench.usedData() });
    await site.start();
    const loading = site.load({ answers: 200 });
    const second = await bench.start({ data: site.data, mayEnd: true });
    const exit = await (second.running ? second.stop() : second.exited);
    if (exit.code !== 1 || !/DATA_FOLDER_IN_USE|in use|locked/i.test(second.errors))
      tally.problems.push(`the second was not refused by name: ${JSON.stringify(exit)} ${second.errors}`);
    tally.notes.push(`the second: ${second.errors.trim().slice(0, 100)}`);
    await loading;
    await site.goOn('beside a second one');
    await site.finish();
  },
};

export const SEVERAL_FABRICS: readonly Case[] = [
  ONE_LEDGER,
  ownerKilled('standard'),
  ownerKilled('high'),
  ONE_FOLDER,
];
