import { join } from 'node:path';
import { between, type Case, type Trial } from '../case.ts';
import { HttpClient } from '../http-client.ts';
import { Site } from '../site.ts';
import { attach, attachToKill, killedAt, mostPerThread, traced } from '../strace.ts';

/** A family of system calls at which the fabric is killed. */
interface Family {
  readonly name: string;
  readonly what: string;
  readonly calls: readonly string[];
}

const FAMILIES: readonly Family[] = [
  { name: 'sync', what: 'fsync and fdatasync', calls: ['fsync', 'fdatasync'] },
  { name: 'write', what: 'write, pwrite64 and writev', calls: ['write', 'pwrite64', 'writev', 'pwritev'] },
  { name: 'rename', what: 'rename', calls: ['rename', 'renameat', 'renameat2'] },
  { name: 'connection', what: 'connect and accept', calls: ['connect', 'accept4', 'accept'] },
  {
    name: 'unlink',
    what: 'unlink, ftruncate and mkdir',
    calls: ['unlink', 'unlinkat', 'ftruncate', 'mkdir'],
  },
];

const CALIBRATED_ANSWERS = 250;
/** Well beyond what was counted on. */
const MOST_ANSWERS = 3 * CALIBRATED_ANSWERS;

/** Under load: the counters begin when strace is attached, so the points lie in the work and not in the start. */
function atWork({ name, what, calls }: Family): Case {
  return {
    name: `fabric-${name}`,
    fault: `kill -9 of the fabric under load at ${what}`,
    needs: ['strace'],
    async run(trial) {
      const { bench, quick } = trial;
      // A connection for each request: otherwise they are all accepted before anything happens.
      const client = new HttpClient({ keepAlive: name !== 'connection' });
      const site = new Site(trial, { data: await bench.usedData(), client });
      await site.start();
      const most = await calibrated(site, calls, join(bench.folder, `${name}.trace`));
      for (const [call, count] of most)
        for (const nth of spread(trial, count, quick ? 1 : 7)) {
          await attachToKill([site.fabric.pid], { call, nth });
          await site.load({ answers: MOST_ANSWERS });
          await struck(site, trial, `${call} number ${nth}`);
          await site.killed();
          await site.recover(`at ${call} number ${nth}`);
          if (!site.fabric.running) return;
        }
      noteCalls(trial, most);
      await site.finish();
      client.close();
    },
  };
}

async function calibrated(site: Site, calls: readonly string[], file: string) {
  const tracing = await attach([site.fabric.pid], ['-o', file, '-e', 'signal=none', '-e', `trace=${calls}`]);
  await site.load({ answers: CALIBRATED_ANSWERS });
  await tracing.detach();
  return mostPerThread(file);
}

/** From the first system call of a start on: over a log that a kill left, and in an empty folder. */
function atStart({ name, what, calls }: Family): Case {
  return {
    name: `start-${name}`,
    fault: `kill -9 of the fabric while it starts, at ${what}`,
    needs: ['strace'],
    async run(trial) {
      const { bench, quick } = trial;
      const site = new Site(trial, { data: await bench.usedData() });
      const file = join(bench.folder, `${name}-start.trace`);
      await site.start({ through: traced(calls, file) });
      const most = mostPerThread(file);
      for (const [call, count] of most)
        for (const nth of spread(trial, count, quick ? 1 : 6)) {
          await site.load({ answers: 60 });
          await site.killed();
          await site.start({ through: killedAt({ call, nth }), mayEnd: true });
          // Not reached while starting: then soon after.
          if (site.fabric.running) await site.load({ answers: 100 });
          await struck(site, trial, `${call} number ${nth}`);
          await site.killed();
          await site.recover(`at ${call} number ${nth}`);
          if (!site.fabric.running) return;
        }
      noteCalls(trial, most);
      await site.finish();
    },
  };
}

/** The very first start, in which keys, log and database are made. */
const AT_FIRST_START: Case = {
  name: 'start-empty',
  fault: 'kill -9 of the fabric in its first start, at any of these',
  needs: ['strace'],
  async run(trial) {
    const { bench, quick, random } = trial;
    const calls = FAMILIES.flatMap((family) => family.calls);
    const file = join(bench.folder, 'empty.trace');
    const first = new Site(trial, { data: bench.newFolder() });
    await first.start({ through: traced(calls, file) });
    const most = [...mostPerThread(file)].filter(([call]) => call !== 'accept4');
    await first.finish();
    for (let point = 0; point < (quick ? 2 : 16); point += 1) {
      const [call, count] = most[between(random, 0, most.length)] ?? ['fsync', 1];
      const nth = between(random, 1, count + 1);
      const site = new Site(trial, { data: bench.newFolder() });
      await site.start({ through: killedAt({ call, nth }), mayEnd: true });
      if (site.fabric.running) await site.load({ answers: 50 });
      await struck(site, trial, `${call} number ${nth}`);
      await site.killed();
      await site.recover(`at ${call} number ${nth}`);
      await site.finish();
    }
  },
};

/** The busiest thread of one run need not be as busy in the next. */
async function struck(site: Site, { tally }: Trial, point: string): Promise<void> {
  if (await site.hasEnded()) return;
  tally.missed += 1;
  tally.notes.push(`not reached: ${point}`);
}

/** The first, and others up to a little beyond what was counted, with the seed's choice within each part. */
function* spread({ random }: Trial, count: number, points: number): Generator<number> {
  for (let part = 0; part < points; part += 1) {
    const least = 1 + Math.floor((count * part) / points);
    const most = 1 + Math.floor((count * (part + 1)) / points);
    yield part === 0 && points > 1 ? 1 : between(random, least, Math.max(most, least + 1));
  }
}

function noteCalls({ tally }: Trial, most: ReadonlyMap<string, number>): void {
  const counts = [...most].map(([call, count]) => `${call} ${count}`).join(', ');
  tally.notes.push(`calls of the busiest thread: ${counts}`);
}

export const FABRIC_CALLS: readonly Case[] = [
  ...FAMILIES.map(atWork),
  ...FAMILIES.map(atStart),
  AT_FIRST_START,
];
