// Certified, durable, checkpointed decisions of 64 sessions at once, against what their parts cost alone in the same run.
import { cpus } from 'node:os';
import type { Commit } from '@provability-fabric/enforcement';
import type { State } from '@provability-fabric/policy';
import { type BenchFabric, openBenchFabric } from './fabric.ts';
import { answerTo, draft, PRINCIPAL, SESSIONS, sessionNames } from './load.ts';
import { type Recorded, recordedDecisions, type StageCosts, stageCosts } from './stages.ts';

/** A round is so many bouts of decisions and of outcomes in turn, and ends with a checkpoint over all of it. */
const BOUTS = 4;
/** Decisions of each session in a bout: an agent waits for what it asked for before it asks for much more. */
const EACH = 4;
const ROUNDS = 40;
const WARM_UP = 10;
/** Certificates below this are smaller than real ones. */
const LEAST_BYTES = 1200;
const LEAST_RATIO = 0.5;

interface Round {
  /** µs for one decision, and for one outcome. */
  readonly decision: number;
  readonly outcome: number;
  /** ms from the request to its answer. */
  readonly latencies: readonly number[];
  readonly stages: StageCosts;
  readonly payloadBytes: readonly number[];
}

/** Answers whether the decisions reached the part of the stages' rate that they have to. */
export async function run(): Promise<boolean> {
  const fabric = await openBenchFabric();
  try {
    const sessions = sessionNames();
    const rounds: Round[] = [];
    for (let number = 0; number < WARM_UP + ROUNDS; number += 1) {
      const round = await measure(fabric, sessions, number);
      if (number >= WARM_UP) rounds.push(round);
    }
    return report(rounds);
  } finally {
    await fabric.close();
  }
}

async function measure(fabric: BenchFabric, sessions: readonly string[], number: number): Promise<Round> {
  const { enforcer, log, alone } = fabric;
  const latencies: number[] = [];
  const recorded: Recorded[] = [];
  let [deciding, settling] = [0, 0];
  for (let bout = 0; bout < BOUTS; bout += 1) {
    const states = new Map<string, State>();
    for (const { session, state } of await enforcer.snapshot()) states.set(session, state);
    const commits: Commit[] = [];
    fabric.onCommit = (commit) => void commits.push(commit);
    const started = performance.now();
    const first = (number * BOUTS + bout) * EACH;
    const answers = await Promise.all(
      sessions.map((session) => decideInTurn(fabric, session, first, latencies)),
    );
    // A round's decisions are under a checkpoint when it ends; its outcomes have theirs from the clock.
    if (bout === BOUTS - 1) await log.flush();
    deciding += performance.now() - started;
    fabric.onCommit = undefined;
    recorded.push(...recordedDecisions(commits, states));
    const decided = performance.now();
    await Promise.all(sessions.map((session, at) => settleInTurn(fabric, session, answers[at] ?? [])));
    settling += performance.now() - decided;
  }
  const count = SESSIONS * EACH * BOUTS;
  return {
    decision: (deciding * 1000) / count,
    outcome: (settling * 1000) / count,
    latencies,
    stages: await stageCosts(fabric, alone, recorded, `${number}`),
    payloadBytes: recorded.map(({ payload }) => payload.length),
  };
}

/** One agent's decisions; answers their certificates. */
async function decideInTurn(
  { enforcer }: BenchFabric,
  session: string,
  first: number,
  latencies: number[],
): Promise<readonly string[]> {
  const certificates: string[] = [];
  for (let turn = 0; turn < EACH; turn += 1) {
    const asked = performance.now();
    const answer = await enforcer.authorize(draft(session, first + turn));
    latencies.push(performance.now() - asked);
    if (answer.effect !== 'allow') throw new Error('expected every decision to allow');
    certificates.push(answer.certificateId);
  }
  return certificates;
}

async function settleInTurn(
  { enforcer }: BenchFabric,
  session: string,
  certificates: readonly string[],
): Promise<void> {
  const reporter = { tenant: PRINCIPAL.tenant, principal: PRINCIPAL.id };
  for (const [number, certificate] of certificates.entries())
    await enforcer.settle(reporter, session, certificate, 'done', answerTo(number));
}

const STAGES = ['step', 'canonicalise', 'sign', 'hash', 'append'] as const;

function sumOf(stages: StageCosts): number {
  return STAGES.reduce((total, name) => total + stages[name], 0);
}

/** As if nothing but the certificate had to be canonical and hashed. */
function leastOf({ step, canonicaliseCertificate, sign, hashCertificate, append }: StageCosts): number {
  return step + canonicaliseCertificate + sign + hashCertificate + append;
}

function report(rounds: readonly Round[]): boolean {
  const median = (of: (round: Round) => number) => quantile(rounds.map(of), 0.5);
  const decisions = rounds.map(({ decision }) => decision);
  const latencies = rounds.flatMap((round) => round.latencies);
  const bytes = quantile(
    rounds.flatMap((round) => round.payloadBytes),
    0.5,
  );
  const sum = median(({ stages }) => sumOf(stages));
  const ratio = median(({ decision, stages }) => sumOf(stages) / decision);
  const least = median(({ decision, stages }) => leastOf(stages) / decision);
  console.log(
    `decisions: ${SESSIONS} sessions at once, n ${rounds.length * SESSIONS * EACH * BOUTS} in ${rounds.length} rounds, ` +
      `quickstart bundle, certificates of ${bytes} bytes, journal synced, checkpoints on`,
  );
  console.log(
    `  decided        ${rate(quantile(decisions, 0.5))}/s, rounds p5 ${rate(quantile(decisions, 0.95))}/s, ` +
      `p95 ${rate(quantile(decisions, 0.05))}/s; latency median ${quantile(latencies, 0.5).toFixed(1)} ms, ` +
      `p99 ${quantile(latencies, 0.99).toFixed(1)} ms`,
  );
  console.log(`  outcomes       ${rate(median(({ outcome }) => outcome))}/s`);
  const costs = STAGES.map((name) => `${name} ${median(({ stages }) => stages[name]).toFixed(1)}`);
  console.log(`  stages alone   ${costs.join(', ')}; Σ ${sum.toFixed(1)} µs, 1/Σ ${rate(sum)}/s`);
  const reached = ratio >= LEAST_RATIO && bytes >= LEAST_BYTES;
  console.log(
    `  ${percent(ratio)} of 1/Σ in the median round, expected at least ${percent(LEAST_RATIO)}, with certificates of ` +
      `at least ${LEAST_BYTES} bytes: ${reached ? 'reached' : 'MISSED'} (${percent(least)} if the input record that a ` +
      'certificate commits to cost nothing)',
  );
  return reached;
}

function rate(micros: number): number {
  return Math.round(1_000_000 / micros);
}

function percent(part: number): string {
  return `${(100 * part).toFixed(0)} %`;
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
