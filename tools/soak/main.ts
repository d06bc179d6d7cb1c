// Whether memory stays flat: `pf serve` with everything that it has, under a steady load of all kinds.
// Usage: npx tsx tools/soak/main.ts [--minutes 20] [--rate 60] [--warm-up 120] [--sessions 1000] [--program PATH]
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ROOT, Workbench } from '../crash-matrix/workbench.ts';
import { mean } from './figures.ts';
import { Load } from './load.ts';
import { type Sample, sample } from './memory.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    rate: { type: 'string', default: '60' },
    'warm-up': { type: 'string' },
    sessions: { type: 'string', default: '1000' },
    program: { type: 'string', default: join(ROOT, 'apps/fabric/bin/pf.mjs') },
  },
});
const minutes = Number(values.minutes);
const rate = Number(values.rate);
const warmUp = Number(values['warm-up'] ?? Math.min(120, minutes * 12));
if (!(minutes > 0 && rate > 0 && warmUp >= 0 && warmUp < minutes * 60) || !/^\d+$/.test(values.sessions)) {
  console.error(
    'expected --minutes and --rate above 0, --warm-up in seconds within them, and a count of --sessions',
  );
  process.exit(3);
}

const MOST_GROWTH = 1.1;
const EVERY_S = 5;
const TEN_MINUTES = 600;

const bench = new Workbench(resolve(values.program));
await bench.prepare();
const data = await bench.usedData();
const fabric = await bench.start({ data, files: configuration() });
const samples: Sample[] = [];
const load = new Load({ url: fabric.url, ledgerUrl: fabric.ledgerUrl ?? '', data, rate });
console.log(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, node ${process.version}; ` +
    `${minutes} minutes at ${rate} actions/s, warm after ${warmUp} s, at most ${values.sessions} sessions in memory`,
);
console.log('minute | actions |  p50 ms |  p99 ms | errors | fabric RSS MiB | PostgreSQL PSS MiB');
let failed = false;
try {
  load.start();
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  for (let next = EVERY_S; next <= minutes * 60 && fabric.running; next += EVERY_S) {
    await sleep(Math.max(0, next - seconds()) * 1000);
    samples.push(await sample(seconds(), fabric.pid, join(data, 'postgres')));
    if (next % 60 < EVERY_S || next + EVERY_S > minutes * 60) printMinute(Math.ceil(next / 60));
  }
  await load.stop();
  failed = !report();
  const exit = fabric.running ? await fabric.stop() : await fabric.exited;
  if (exit.code !== 0) {
    console.error(`the fabric ended with ${JSON.stringify(exit)}: ${fabric.errors}`);
    failed = true;
  }
} finally {
  await bench.close();
}
process.exit(failed ? 1 : 0);

function configuration(): ReadonlyMap<string, string> {
  const server = join(ROOT, 'tools/crash-matrix/slow-upstream.mjs');
  const args = [server, join(bench.folder, 'record'), join(bench.folder, 'pid')];
  return new Map([
    ['upstreams.yaml', `slow: ${JSON.stringify({ command: process.execPath, args })}\n`],
    // The cache fills up while it warms: what is kept in it is no leak.
    ['policy-config/cache_size', `${values.sessions}\n`],
    ['policy-config/performance_mode', 'enabled\n'],
  ]);
}

function printMinute(minute: number): void {
  const figures = load.nextMinute();
  const recent = samples.slice(-12);
  const cells = [
    `${minute}`.padStart(6),
    `${figures.actions}`.padStart(7),
    figures.percentile(0.5).toFixed(1).padStart(7),
    figures.percentile(0.99).toFixed(1).padStart(7),
    `${load.errorCount}`.padStart(6),
    mean(recent.map(({ fabricMiB }) => fabricMiB))
      .toFixed(1)
      .padStart(14),
    mean(recent.map(({ postgresMiB }) => postgresMiB))
      .toFixed(1)
      .padStart(18),
  ];
  console.log(cells.join(' | '));
}

/** Whether memory was flat and nothing failed. */
function report(): boolean {
  const warm = samples.filter(({ at }) => at >= warmUp);
  const whole = warm.length * EVERY_S;
  const part = Math.min(TEN_MINUTES, whole / 2) / EVERY_S;
  const names = part * EVERY_S === TEN_MINUTES ? 'ten minutes' : `${Math.round(part * EVERY_S)} s`;
  const grown = (of: (one: Sample) => number) => {
    const first = mean(warm.slice(0, Math.round(part)).map(of));
    const last = mean(warm.slice(-Math.round(part)).map(of));
    return { first, last, ratio: last / first };
  };
  const inFabric = grown(({ fabricMiB }) => fabricMiB);
  const inPostgres = grown(({ postgresMiB }) => postgresMiB);
  for (const [name, { first, last, ratio }] of [
    ['fabric RSS', inFabric],
    ['PostgreSQL PSS', inPostgres],
  ] as const)
    console.log(
      `${name}: first warm ${names} ${first.toFixed(1)} MiB, last ${names} ${last.toFixed(1)} MiB, ratio ${ratio.toFixed(3)}`,
    );
  const { all, errorCount, mcpCalls, lists, late } = load;
  console.log(
    `${all.actions} actions in ${all.count} requests, ${mcpCalls} MCP calls, ${lists} lists; p50 ${all.percentile(0.5).toFixed(1)} ms, ` +
      `p99 ${all.percentile(0.99).toFixed(1)} ms; ${errorCount} errors, ${late} late`,
  );
  for (const error of load.errors) console.log(`  ✘ ${error}`);
  return inFabric.ratio <= MOST_GROWTH && errorCount === 0 && fabric.running;
}
