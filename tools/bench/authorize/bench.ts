// `POST /v1/authorize` over 64 connections against a route of the same listener that only canonicalises, signs and
// makes the same bytes durable; both in turns, so that both meet the same machine.
import { type ChildProcess, fork } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { answerTo, draft, PRINCIPAL, sessionNames } from '../decisions/load.ts';
import type { Delivered, Order } from './load.ts';
import { type BenchServer, PLAIN, startBenchServer, takeSample } from './server.ts';

const EACH = 16;
const ROUNDS = 30;
const WARM_UP = 10;
const LEAST_RATIO = 0.6;

/** Seen from the clients, and what it cost the server. */
interface Served extends Delivered {
  /** µs of processor time for each request, threads and kernel included. */
  readonly cpu: number;
}

interface Round {
  readonly decided: Served;
  readonly plain: Served;
}

/** Answers whether decisions reached the part of the plain route's rate that they have to. */
export async function run(): Promise<boolean> {
  const sessions = sessionNames();
  const server = await startBenchServer(sessions);
  const clients = fork(join(import.meta.dirname, 'load.ts'));
  try {
    takeSample(server);
    const rounds: Round[] = [];
    for (let number = 0; number < WARM_UP + ROUNDS; number += 1) {
      const bodies = sessions.map((session) =>
        Array.from({ length: EACH }, (_, turn) => bodyOf(session, number * EACH + turn)),
      );
      const order = { port: server.port, tokens: server.tokens, bodies, expected: '"effect":"allow"' };
      // Whoever comes second may find the disk busy with the first one's checkpoints: so they take turns.
      const first = number % 2 === 0 || number === 0;
      const before = first ? undefined : await serve(clients, { ...order, path: PLAIN });
      const decided = await serve(clients, { ...order, path: '/v1/authorize' });
      const plain = before ?? (await serve(clients, { ...order, path: PLAIN }));
      await settle(server, number);
      if (number >= WARM_UP) rounds.push({ decided, plain });
    }
    return report(rounds, server);
  } finally {
    clients.kill();
    await server.close();
  }
}

function bodyOf(session: string, number: number): string {
  const { requestId, action, attributes } = draft(session, number);
  const { target: tool, args } = action;
  return JSON.stringify({ request_id: requestId, action: { kind: 'call', tool, args }, attributes });
}

async function serve(clients: ChildProcess, order: Order): Promise<Served> {
  const before = process.cpuUsage();
  const delivered = await send(clients, order);
  const { user, system } = process.cpuUsage(before);
  return { ...delivered, cpu: (user + system) / delivered.latencies.length };
}

function send(clients: ChildProcess, order: Order): Promise<Delivered> {
  return new Promise((resolve, reject) => {
    const gaveUp = () => reject(new Error('the clients gave up'));
    clients.once('exit', gaveUp);
    clients.once('message', (delivered) => {
      clients.off('exit', gaveUp);
      resolve(delivered as Delivered);
    });
    clients.send(order);
  });
}

/** What was allowed is reported, as a client would; not measured, and not over HTTP. */
async function settle({ fabric }: BenchServer, number: number): Promise<void> {
  const reporter = { tenant: PRINCIPAL.tenant, principal: PRINCIPAL.id };
  for (const { session, state } of await fabric.enforcer.snapshot())
    for (const certificate of [...state.pending.keys()])
      await fabric.enforcer.settle(reporter, session, certificate, 'done', answerTo(number));
  await fabric.log.flush();
}

function report(rounds: readonly Round[], { sample, tokens }: BenchServer): boolean {
  const requests = tokens.length * EACH;
  const rate = ({ ms }: Delivered) => (requests * 1000) / ms;
  const ratios = rounds.map(({ decided, plain }) => rate(decided) / rate(plain));
  const line = (name: string, of: (round: Round) => Served) => {
    const rates = rounds.map((round) => rate(of(round)));
    const latencies = rounds.flatMap((round) => of(round).latencies);
    const spread = [0.05, 0.95].map((part) => Math.round(quantile(rates, part)));
    console.log(
      `  ${name.padEnd(14)} ${Math.round(quantile(rates, 0.5))}/s, rounds p5 ${spread[0]}/s, p95 ${spread[1]}/s; latency ` +
        `median ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms; ` +
        `processor ${quantile(
          rounds.map((round) => of(round).cpu),
          0.5,
        ).toFixed(0)} µs a request`,
    );
  };
  console.log(
    `authorize over HTTP: ${tokens.length} connections, n ${rounds.length * requests} each in ${rounds.length} rounds, ` +
      `quickstart bundle, certificates of ${sample?.payloadBytes} bytes, journal synced`,
  );
  line('/v1/authorize', ({ decided }) => decided);
  line('sign and keep', ({ plain }) => plain);
  const ratio = quantile(ratios, 0.5);
  const percent = (part: number) => `${(100 * quantile(ratios, part)).toFixed(0)} %`;
  const reached = ratio >= LEAST_RATIO;
  console.log(
    `  ${percent(0.5)} in the median round (p5 ${percent(0.05)}, p95 ${percent(0.95)}), expected at least ` +
      `${100 * LEAST_RATIO} %: ${reached ? 'reached' : 'MISSED'}`,
  );
  return reached;
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
}

if (process.argv[1] === import.meta.filename) {
  const [cpu] = cpus();
  console.log(`${cpu?.model ?? 'unknown cpu'}, ${cpus().length} cores, Node ${process.version}`);
  process.exitCode = (await run()) ? 0 : 1;
}
