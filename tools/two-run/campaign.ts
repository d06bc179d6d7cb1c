import { nodeCrypto } from '@provability-fabric/evidence';
import { type Label, label } from '@provability-fabric/kernel';
import { type CompiledBundle, EXTRACT_TOOL, type LoadedBundle, loadBundle } from '@provability-fabric/policy';
import type { BundleSpec } from './bundle-spec.ts';
import { Chance } from './chance.ts';
import { compileSpec } from './compile-spec.ts';
import { isLow, sinksOf } from './ground-truth.ts';
import { type Judged, judgePair, type Pair, type Violation } from './judge-pair.ts';
import { randomAgent } from './random-agent.ts';
import { randomBundle, randomLabel } from './random-bundle.ts';
import type { Monitor } from './run.ts';

export interface PooledBundle {
  readonly spec: BundleSpec;
  readonly ir: CompiledBundle;
}

/** Bundles to draw from: compiling is dear beside running. */
export async function bundlePool(count: number, seed: string): Promise<readonly PooledBundle[]> {
  const pool: PooledBundle[] = [];
  for (let index = 0; pool.length < count; index += 1) {
    const spec = randomBundle(new Chance(`${seed}/bundle ${index}`));
    const ir = await compileSpec(spec);
    if (ir !== undefined) pool.push({ spec, ir });
  }
  return pool;
}

export function load(ir: CompiledBundle): LoadedBundle {
  return loadBundle(ir, nodeCrypto());
}

/** The pair of a number. */
function drawPair(spec: BundleSpec, seed: string, index: number): Pair {
  const chance = new Chance(`${seed}/pair ${index}`);
  const level = observer(spec, chance.apart('observer'));
  const moves = randomAgent(spec, chance.apart('agent'));
  return { spec, level, moves, seed: `${seed}/environments ${index}` };
}

/** Mostly one who stands at a sink; sometimes one to whom the trusted alone is low; sometimes anyone. */
function observer(spec: BundleSpec, chance: Chance): Label {
  const sinks = spec.tools.flatMap(({ name }) => sinksOf(spec, { kind: 'call', target: name, args: {} }));
  if (sinks.length > 0 && chance.is(0.7)) return chance.pick(sinks);
  return chance.is(0.3) ? label('secret', ['pii', 'tenant:acme'], 'trusted') : randomLabel(chance, 0.2);
}

export interface Tally {
  pairs: number;
  actions: number;
  emits: number;
  refusals: number;
  released: number;
  endorsed: number;
  /** Handles that stood for a value in what was sent on, and askings for something out of one. */
  resolved: number;
  extractions: number;
  /** Pairs in which the two runs observed something different. */
  differed: number;
  /** Of these, pairs in which the agent did something different because of it. */
  branched: number;
  /** Of these, pairs in which it was refused a sink that the observer sees. */
  stopped: number;
  /** Pairs that broke a law: the first one ends the campaign. */
  broken: number;
}

const NOTHING: Tally = {
  pairs: 0,
  actions: 0,
  emits: 0,
  refusals: 0,
  released: 0,
  endorsed: 0,
  resolved: 0,
  extractions: 0,
  differed: 0,
  branched: 0,
  stopped: 0,
  broken: 0,
};

export interface Found {
  readonly index: number;
  readonly pooled: PooledBundle;
  readonly pair: Pair;
  readonly violation: Violation;
}

/** Runs pairs until one breaks a law. `loaded` gives each bundle of the pool as the monitor is to have it. */
export function campaign(
  monitor: Monitor,
  pool: readonly PooledBundle[],
  loaded: readonly LoadedBundle[],
  { pairs, seed }: { readonly pairs: number; readonly seed: string },
): { readonly tally: Tally; readonly found: Found | undefined } {
  const tally = { ...NOTHING };
  for (let index = 0; index < pairs; index += 1) {
    const pooled = pool[index % pool.length] as PooledBundle;
    const pair = drawPair(pooled.spec, seed, index);
    const judged = judgePair(monitor, loaded[index % pool.length] as LoadedBundle, pair);
    count(tally, pair, judged);
    if (judged.violation !== undefined)
      return { tally, found: { index, pooled, pair, violation: judged.violation } };
  }
  return { tally, found: undefined };
}

function count(tally: Tally, { spec, level }: Pair, { left, right, released, violation }: Judged): void {
  tally.pairs += 1;
  tally.released += released;
  if (violation !== undefined) tally.broken += 1;
  for (const { asked, decision } of [...left.happenings, ...right.happenings]) {
    tally.actions += 1;
    if (decision.forwarded_digest !== undefined) tally.resolved += 1;
    if (decision.effect !== 'allow') tally.refusals += 1;
    else if (asked.target === EXTRACT_TOOL) tally.extractions += 1;
    else if (sinksOf(spec, asked).length > 0) tally.emits += 1;
    if (decision.releases.some((id) => id.startsWith('e-'))) tally.endorsed += 1;
  }
  if (left.observed.every((digest, at) => digest === right.observed[at])) return;
  tally.differed += 1;
  const acts = [left, right].map(({ happenings }) => JSON.stringify(happenings.map(({ asked }) => asked)));
  if (acts[0] === acts[1]) return;
  tally.branched += 1;
  const stopped = [...left.happenings, ...right.happenings].some(
    ({ asked, decision, carries }) =>
      decision.effect !== 'allow' &&
      !isLow(carries, level) &&
      sinksOf(spec, asked).some((sink) => isLow(sink, level)),
  );
  if (stopped) tally.stopped += 1;
}
