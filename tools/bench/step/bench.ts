import { join } from 'node:path';
import { compileBundle, readBundleFolder } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';
import {
  initialState,
  type LoadedBundle,
  loadBundle,
  type Principal,
  type State,
  stateDigest,
  step,
} from '@provability-fabric/policy';
import { actAt, PROMPT } from './session.ts';

const SESSIONS = 300;
/** What a session has done before its steps are measured, and how many are. */
const BEFORE = 100;
const MEASURED = 20;
const MINUTE = 60_000;
const MOST = { median: 50, p99: 250 };
const PRINCIPAL: Principal = { id: 'agent', roles: ['support'], org: 'acme', tenant: 'acme', attributes: {} };

interface Times {
  readonly intent: number[];
  readonly outcome: number[];
  readonly digest: number[];
  readonly allowed: Record<string, number>;
}

/** A whole `step` with history, flow and provenance, in sessions that have 100 events behind them. */
export async function run(): Promise<boolean> {
  const crypto = nodeCrypto();
  const compiled = await compileBundle(await readBundleFolder(join(import.meta.dirname, 'bundle')), crypto);
  if (!compiled.ok) throw new Error(`the benchmark's bundle does not compile: ${JSON.stringify(compiled)}`);
  const bundle = loadBundle(compiled.bundle, crypto);
  const times: Times = { intent: [], outcome: [], digest: [], allowed: {} };
  for (let session = 0; session < SESSIONS; session += 1) measureSession(bundle, session, times);
  const { clauses } = bundle.ir;
  console.log(
    `step: ${SESSIONS} sessions with ${BEFORE} events behind them, ${clauses.length} clauses of all kinds, labels by field; ` +
      `allowed of ${SESSIONS * MEASURED}: ${JSON.stringify(times.allowed)}`,
  );
  const intent = summary(times.intent);
  print('intent', intent);
  print('outcome', summary(times.outcome));
  print('state digest', summary(times.digest));
  const reached = intent.median <= MOST.median && intent.p99 <= MOST.p99;
  console.log(
    `  an intent at most ${MOST.median} µs in the median and ${MOST.p99} µs at p99: ${reached ? 'reached' : 'missed'}`,
  );
  return reached;
}

function measureSession(bundle: LoadedBundle, session: number, times: Times): void {
  let state: State = opened(bundle, session);
  for (let event = 0; event < BEFORE + MEASURED; event += 1) {
    const { action, result } = actAt(event);
    const certificate_id = `c${event}`;
    const at = event * MINUTE;
    const started = performance.now();
    const asked = step(bundle, state, {
      kind: 'intent',
      at,
      certificate_id,
      principal: PRINCIPAL,
      capability: null,
      action,
      epoch: 1,
      attributes: {},
    });
    const decided = performance.now();
    state = asked.state;
    const isAllowed = asked.output.kind === 'decision' && asked.output.effect === 'allow';
    if (isAllowed)
      state = step(bundle, state, { kind: 'outcome', at, certificate_id, outcome: 'done', result }).state;
    const settled = performance.now();
    stateDigest(bundle, state);
    const digested = performance.now();
    if (event < BEFORE) continue;
    times.intent.push(decided - started);
    times.digest.push(digested - settled);
    if (!isAllowed) continue;
    times.outcome.push(settled - decided);
    times.allowed[action.target] = (times.allowed[action.target] ?? 0) + 1;
  }
}

function opened(bundle: LoadedBundle, session: number): State {
  const environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null } as const;
  const { tenant, id: principal } = PRINCIPAL;
  const open = {
    kind: 'open',
    at: 0,
    tenant,
    session: `s${session}`,
    principal,
    environment,
    epoch: 1,
  } as const;
  const { state } = step(bundle, initialState(bundle), open);
  return step(bundle, state, { kind: 'prompt', at: 0, text: PROMPT }).state;
}

type Summary = ReturnType<typeof summary>;

/** In µs; the first tenth warms up and is left out. */
function summary(times: readonly number[]) {
  const sorted = times.slice(Math.floor(times.length / 10)).sort((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] as number) * 1000;
  return { n: sorted.length, median: at(0.5), p5: at(0.05), p95: at(0.95), p99: at(0.99) };
}

function print(name: string, { n, ...parts }: Summary): void {
  const shown = Object.entries(parts).map(([part, value]) => `${part} ${value.toFixed(1)} µs`);
  console.log(`  ${name.padEnd(14)} n ${n}, ${shown.join(', ')}`);
}
