// The runbook's `wrk -t4 -c100` on `GET /api/secrets/test`, audit on and durable before each answer, against a route of the
// same listener that only makes the same audit statement durable; in turns, so that both meet the same machine. Then the
// same without a cache: every value comes from PostgreSQL.
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROUNDS = 5;
const WARM_UP = 1;
const SECONDS = 4;
const LEAST_RATIO = 0.6;
const CACHED_P95_MS = 25;
const UNCACHED_P95_MS = 50;

interface Server {
  readonly port: number;
  readonly token: string;
  readonly process: ChildProcess;
}

interface Load {
  readonly rate: number;
  readonly p50: number;
  readonly p95: number;
  readonly requests: number;
  readonly errors: number;
}

/** Answers whether the figures were reached. */
export async function run(): Promise<boolean> {
  if (!(await hasWrk())) {
    console.log('secrets over HTTP: skipped, expected wrk (apt-get install wrk), came nothing');
    return process.env.CI !== 'true';
  }
  const cached = await measured('cached', ['/api/secrets/test', '/audit-only']);
  const uncached = await measured('uncached', ['/api/secrets/test']);
  const [reads = [], plain = []] = cached;
  const [fromDatabase = []] = uncached;
  const ratios = reads.map((read, round) => read.rate / (plain[round]?.rate ?? Number.NaN));
  console.log(
    `secrets over HTTP: wrk -t4 -c100 -d${SECONDS}s, ${ROUNDS} rounds in turns, journal and PostgreSQL synced`,
  );
  line('/api/secrets/test', reads);
  line('/audit-only', plain);
  line('without a cache', fromDatabase);
  const ratio = quantile(ratios, 0.5);
  const percent = (part: number) => `${(100 * quantile(ratios, part)).toFixed(0)} %`;
  const checks = [
    [
      `${percent(0.5)} of audit alone in the median round (least ${percent(0)}, most ${percent(1)}), expected at least 60 %`,
      ratio >= LEAST_RATIO,
    ],
    [`p95 ${p95(reads)} ms, expected at most ${CACHED_P95_MS} ms`, Number(p95(reads)) <= CACHED_P95_MS],
    [
      `without a cache p95 ${p95(fromDatabase)} ms, expected at most ${UNCACHED_P95_MS} ms`,
      Number(p95(fromDatabase)) <= UNCACHED_P95_MS,
    ],
    ['no error', [...reads, ...plain, ...fromDatabase].every(({ errors }) => errors === 0)],
  ] as const;
  for (const [text, reached] of checks) console.log(`  ${text}: ${reached ? 'reached' : 'MISSED'}`);
  return checks.every(([, reached]) => reached);
}

async function measured(kind: 'cached' | 'uncached', paths: readonly string[]): Promise<Load[][]> {
  const server = await start(kind);
  try {
    const loads: Load[][] = paths.map(() => []);
    for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
      const order = round % 2 === 0 ? [...paths.keys()] : [...paths.keys()].reverse();
      for (const at of order) {
        const load = await wrk(server, paths[at] as string);
        if (round >= WARM_UP) loads[at]?.push(load);
      }
    }
    return loads;
  } finally {
    const gone = new Promise((resolve) => server.process.once('exit', resolve));
    server.process.disconnect();
    await gone;
  }
}

function start(kind: string): Promise<Server> {
  const child = fork(join(import.meta.dirname, 'served.ts'), [kind]);
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the server gave up')));
    child.once('message', (said) => {
      child.removeAllListeners('exit');
      resolve({ ...(said as Omit<Server, 'process'>), process: child });
    });
  });
}

async function wrk({ port, token }: Server, path: string): Promise<Load> {
  const report = join(import.meta.dirname, 'report.lua');
  const args = ['-t4', '-c100', `-d${SECONDS}s`, '-s', report, '-H', `Authorization: Bearer ${token}`];
  const { stdout } = await promisify(execFile)('wrk', [...args, `http://127.0.0.1:${port}${path}`]);
  const figure = (name: string) => Number(new RegExp(`^${name} ([0-9.]+)$`, 'm').exec(stdout)?.[1]);
  const requests = figure('requests');
  return {
    rate: (requests * 1e6) / figure('microseconds'),
    p50: figure('p50') / 1000,
    p95: figure('p95') / 1000,
    requests,
    errors: figure('errors'),
  };
}

async function hasWrk(): Promise<boolean> {
  // It has no option that does nothing and succeeds; without arguments it explains itself and exits with 1.
  return promisify(execFile)('wrk').then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}

function line(name: string, loads: readonly Load[]): void {
  const rates = loads.map(({ rate }) => rate);
  const count = loads.reduce((sum, { requests }) => sum + requests, 0);
  console.log(
    `  ${name.padEnd(18)} ${Math.round(quantile(rates, 0.5))}/s, rounds ${Math.round(quantile(rates, 0))} to ` +
      `${Math.round(quantile(rates, 1))}/s, n ${count}; latency median ${median(loads, 'p50')} ms, p95 ${p95(loads)} ms`,
  );
}

function median(loads: readonly Load[], of: 'p50' | 'p95'): string {
  return quantile(
    loads.map((load) => load[of]),
    0.5,
  ).toFixed(1);
}

const p95 = (loads: readonly Load[]) => median(loads, 'p95');

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
}

if (process.argv[1] === import.meta.filename) {
  const [cpu] = cpus();
  console.log(`${cpu?.model ?? 'unknown cpu'}, ${cpus().length} cores, Node ${process.version}`);
  process.exitCode = (await run()) ? 0 : 1;
}
