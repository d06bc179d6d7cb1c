// tools/call over streamable HTTP: directly, through the least relay that keeps durable evidence, and through the fabric, in
// turn, in one run. Exit 1 where the fabric adds more than is allowed. `tsx tools/bench/mcp-http/bench.ts [calls a second]`
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startFabric } from '../../conformance/pf-serve.ts';
import { connect } from './load.ts';

const CONNECTIONS = 64;
const ROUNDS = 6;
const ROUND_SECONDS = 3;
const WARM_UP_CALLS = 150;
const MAX_ADDED_MEDIAN_MS = 2;
const MAX_P99_MS = 10;
/** Well below what two cores serve that also carry load and server, so that no queue is measured. */
const DEFAULT_RATE = 100;

const TARGETS = ['direct', 'bare', 'through'] as const;
type Round = Readonly<Record<(typeof TARGETS)[number], readonly number[]>>;

/** Answers whether the fabric adds no more than it may. */
export async function run(rate = DEFAULT_RATE): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'pf-bench-'));
  const server = await start(new URL('./plain-server.ts', import.meta.url), []);
  const relay = await start(new URL('./bare-relay.ts', import.meta.url), [server.url, folder]);
  const fabric = await startFabric(server.url);
  try {
    const targets = {
      direct: await connect(server.url, CONNECTIONS),
      bare: await connect(relay.url, CONNECTIONS),
      through: await connect(fabric.url, CONNECTIONS, fabric.token),
    };
    const load = { connections: CONNECTIONS, rate, seconds: ROUND_SECONDS };
    for (const name of TARGETS) await targets[name].warmUp(WARM_UP_CALLS);
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const direct = await targets.direct.run(load);
      const bare = await targets.bare.run(load);
      rounds.push({ direct, bare, through: await targets.through.run(load) });
    }
    for (const name of TARGETS) await targets[name].close();
    return report(rate, rounds);
  } finally {
    await fabric.stop();
    relay.process.kill();
    server.process.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(rate: number, rounds: readonly Round[]): boolean {
  const [cpu] = cpus();
  console.log(`tools/call over streamable HTTP, ${CONNECTIONS} connections, ${rate} calls/s offered`);
  console.log(
    `node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}; through \`pf serve\`, every call decided, certified, durable`,
  );
  console.log(
    `${ROUNDS} rounds of ${ROUND_SECONDS} s each, in turn, warm; n = ${rate * ROUNDS * ROUND_SECONDS} each`,
  );
  for (const name of TARGETS) {
    const values = rounds.flatMap((round) => round[name]);
    const [median, high, worst] = [0.5, 0.99, 1].map((q) => quantile(values, q).toFixed(2));
    console.log(`${name.padEnd(8)} median ${median} ms, p99 ${high} ms, max ${worst} ms`);
  }
  const bare = added(rounds, 'bare');
  const fabric = added(rounds, 'through');
  const p99 = quantile(
    rounds.flatMap((round) => round.through),
    0.99,
  );
  console.log(`added by a relay that only signs and makes as many bytes durable: ${bare.text}`);
  console.log(`added by the fabric: ${fabric.text}, at most ${MAX_ADDED_MEDIAN_MS} allowed`);
  console.log(`p99 through ${p99.toFixed(2)} ms, at most ${MAX_P99_MS} allowed`);
  return fabric.median <= MAX_ADDED_MEDIAN_MS && p99 <= MAX_P99_MS;
}

function added(rounds: readonly Round[], name: 'bare' | 'through'): { median: number; text: string } {
  const each = rounds.map((round) => quantile(round[name], 0.5) - quantile(round.direct, 0.5));
  const median = quantile(each, 0.5);
  const spread = `${Math.min(...each).toFixed(2)} to ${Math.max(...each).toFixed(2)}`;
  return { median, text: `median ${median.toFixed(2)} ms (rounds: ${spread})` };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

async function start(script: URL, args: readonly string[]): Promise<{ url: string; process: ChildProcess }> {
  const path = fileURLToPath(script);
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { url, process: child };
}

if (process.argv[1] === import.meta.filename) {
  process.exitCode = (await run(Number(process.argv[2] ?? DEFAULT_RATE))) ? 0 : 1;
}
