// Replay against bare `step`, over the same traffic in the same run. `tsx tools/bench/replay/bench.ts`
import { join, resolve } from 'node:path';
import { compileBundle, readBundleFolder } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';
import type { Digest } from '@provability-fabric/kernel';
import {
  chainDigest,
  ENFORCED,
  initialState,
  type LoadedBundle,
  loadBundle,
  type PlayedSession,
  playedTrace,
  replaySession,
  step,
  type Trace,
} from '@provability-fabric/policy';
import { actAt, PROMPT } from '../step/session.ts';

const SESSIONS = 100;
const EVENTS = 100;
const ROUNDS = 5;
const MINUTE = 60_000;
/** Of what bare steps alone would allow. */
const LEAST = 0.5;

/** Answers whether a replay gets through half as many events as its steps alone would. */
export async function run(): Promise<boolean> {
  const crypto = nodeCrypto();
  const folder = join(resolve(import.meta.dirname, '..'), 'step/bundle');
  const compiled = await compileBundle(await readBundleFolder(folder), crypto);
  if (!compiled.ok) throw new Error(`the benchmark's bundle does not compile: ${JSON.stringify(compiled)}`);
  const bundle = loadBundle(compiled.bundle, crypto);
  const sessions = Array.from({ length: SESSIONS }, (_, session) =>
    playedTrace(crypto, traceOf(session), ENFORCED),
  );
  const bare: number[] = [];
  const whole: number[] = [];
  const digests = new Set<Digest | null>();
  // One after the other in each round, so that both have the same neighbours on the machine.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const steps = timed(() => sessions.forEach((session) => void steppedThrough(bundle, session)));
    const replayed = timed(() => digests.add(digestOf(bundle, sessions)));
    if (round === 0) continue;
    bare.push(steps);
    whole.push(replayed);
  }
  const events = SESSIONS * EVENTS;
  const perSecond = (times: readonly number[]) => (events * 1000) / median(times);
  const ratio = median(bare) / median(whole);
  const isReached = ratio >= LEAST && digests.size === 1;
  console.log(
    `replay: ${SESSIONS} sessions of ${EVENTS} events, the traffic and the bundle of \`step\`, n ${ROUNDS}`,
  );
  console.log(`  1 / mean step (intent and outcome)  ${perSecond(bare).toFixed(0)} events/s`);
  console.log(
    `  replay, with states and digest      ${perSecond(whole).toFixed(0)} events/s, ${spread(whole)}`,
  );
  console.log(
    `  ${(100 * ratio).toFixed(0)} %; at least ${100 * LEAST} %, and one digest: ${isReached ? 'reached' : 'missed'}`,
  );
  return isReached;
}

function traceOf(session: number): Trace {
  const events = Array.from({ length: EVENTS }, (_, event) => {
    const { action, result } = actAt(event);
    return { at: event * MINUTE, action, outcome: 'done', result, epoch: 1 } as const;
  });
  const principal = { id: 'agent', roles: ['support'], org: 'acme', tenant: 'acme', attributes: {} };
  return { session: `s${session}`, principal, prompt: PROMPT, events };
}

function steppedThrough(bundle: LoadedBundle, { inputs }: PlayedSession): void {
  let state = initialState(bundle);
  for (const { input } of inputs) state = step(bundle, state, input).state;
}

function digestOf(bundle: LoadedBundle, sessions: readonly PlayedSession[]): Digest | null {
  let chain: Digest | null = null;
  for (const session of sessions)
    for (const event of replaySession(bundle, session)) chain = chainDigest(bundle, chain, event);
  return chain;
}

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] as number;
}

function spread(times: readonly number[]): string {
  return `${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)} ms a round`;
}

if (process.argv[1] === import.meta.filename && !(await run())) process.exitCode = 1;
