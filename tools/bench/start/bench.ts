// `pf serve` with all services and a PostgreSQL of its own: from the start of the process to /health of every service
// answering 200. `tsx tools/bench/start/bench.ts`
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = resolve(import.meta.dirname, '../../..');
const PF = join(ROOT, 'apps/fabric/bin/pf.mjs');
const ROUNDS = 5;
const MAX_COLD_MS = 5000;
const MAX_RESTART_MS = 1500;
const SERVICES = 3;
const ANY_PORT = '127.0.0.1:0';

/** Answers whether both starts are as fast as they must be. */
export async function run(): Promise<boolean> {
  const cold: number[] = [];
  const restart: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'pf-start-'));
    try {
      mkdirSync(join(folder, 'config/local'), { recursive: true });
      const bundle = join(ROOT, 'bundles/quickstart');
      writeFileSync(join(folder, 'config/local/fabric.yaml'), `bundle: ${bundle}\ndata_dir: data\n`);
      cold.push(await timed(folder));
      restart.push(await timed(folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  console.log('pf serve: all services, a PostgreSQL of its own, until every /health answers 200');
  const coldReached = report('cold, nothing there', cold, MAX_COLD_MS);
  return report('restart', restart, MAX_RESTART_MS) && coldReached;
}

function report(what: string, times: readonly number[], most: number): boolean {
  const sorted = times.toSorted((a, b) => a - b);
  const [least = Number.NaN, middle = Number.NaN, worst = Number.NaN] = [
    sorted[0],
    sorted[sorted.length >> 1],
    sorted.at(-1),
  ];
  const range = `${least.toFixed(0)} to ${worst.toFixed(0)} ms`;
  const verdict = middle <= most ? 'reached' : 'MISSED';
  console.log(
    `  ${what.padEnd(20)} n ${times.length}, median ${middle.toFixed(0)} ms, ${range}; at most ${most}: ${verdict}`,
  );
  return middle <= most;
}

/** Starts and ends it; answers how long the start took, in ms. */
async function timed(folder: string): Promise<number> {
  const anywhere = ['--listen', '--listen-policy-adapter', '--listen-ledger', '--listen-secrets'].flatMap(
    (name) => [name, ANY_PORT],
  );
  const began = performance.now();
  const pf = spawn(process.execPath, [PF, 'serve', '--env', 'local', ...anywhere], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    for (const port of await ports(pf)) await healthy(port);
    return performance.now() - began;
  } finally {
    pf.kill('SIGTERM');
    if (pf.exitCode === null) await once(pf, 'exit');
  }
}

function ports(pf: ChildProcess): Promise<readonly number[]> {
  return new Promise((found, failed) => {
    const all: number[] = [];
    pf.once('exit', (code) => failed(new Error(`expected pf serve to listen, it ended with ${code}`)));
    if (pf.stdout === null) return;
    createInterface({ input: pf.stdout }).on('line', (line) => {
      const { event, port } = JSON.parse(line) as { event: string; port?: number };
      if (event === 'listening' && port !== undefined && all.push(port) === SERVICES) found(all);
    });
  });
}

async function healthy(port: number): Promise<void> {
  while ((await fetch(`http://127.0.0.1:${port}/health`)).status !== 200) await sleep(5);
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await run()) ? 0 : 1;
