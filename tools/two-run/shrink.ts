import type { LoadedBundle } from '@provability-fabric/policy';
import type { Expression, Move } from './agent.ts';
import type { BundleSpec } from './bundle-spec.ts';
import type { Found, PooledBundle } from './campaign.ts';
import { compileSpec } from './compile-spec.ts';
import { judgePair, type Pair } from './judge-pair.ts';
import type { Monitor } from './run.ts';

/** Judgings that may be spent on making a failure small. */
const MOST_ATTEMPTS = 2_000;

/** The smallest pair that breaks the same law, as far as taking one thing away at a time leads. */
export async function shrink(
  monitor: Monitor,
  bundleOf: (pooled: PooledBundle) => LoadedBundle,
  found: Found,
): Promise<Found> {
  let best = found;
  let attempts = 0;
  for (let smaller: Found | undefined = found; smaller !== undefined; ) {
    smaller = undefined;
    for (const candidate of smallerThan(best.pair)) {
      attempts += 1;
      if (attempts > MOST_ATTEMPTS) return best;
      smaller = await failing(monitor, bundleOf, best, candidate);
      if (smaller !== undefined) break;
    }
    best = smaller ?? best;
  }
  return best;
}

async function failing(
  monitor: Monitor,
  bundleOf: (pooled: PooledBundle) => LoadedBundle,
  { index, pooled, violation: { law } }: Found,
  pair: Pair,
): Promise<Found | undefined> {
  const ir = pair.spec === pooled.spec ? pooled.ir : await compileSpec(pair.spec).catch(() => undefined);
  if (ir === undefined) return undefined;
  const smaller = { spec: pair.spec, ir };
  const { violation } = judgePair(monitor, bundleOf(smaller), pair);
  return violation?.law === law ? { index, pooled: smaller, pair, violation } : undefined;
}

function* smallerThan(pair: Pair): Generator<Pair> {
  for (const moves of smallerLists(pair.moves, smallerMoves)) yield { ...pair, moves };
  for (const spec of smallerSpecs(pair.spec)) yield { ...pair, spec };
}

function* smallerSpecs(spec: BundleSpec): Generator<BundleSpec> {
  for (const restrictions of smallerLists(spec.restrictions)) yield { ...spec, restrictions };
  for (const forbids of smallerLists(spec.forbids)) yield { ...spec, forbids };
  if (spec.handles !== null) yield { ...spec, handles: null };
  for (const releases of smallerLists(spec.releases)) yield { ...spec, releases };
  for (const documents of smallerLists(spec.documents)) yield { ...spec, documents };
  for (const tools of smallerLists(spec.tools)) yield { ...spec, tools };
  for (const stores of smallerLists(spec.stores)) yield { ...spec, stores };
}

function* smallerLists<T>(list: readonly T[], within?: (item: T) => Generator<T>): Generator<readonly T[]> {
  for (const [at] of list.entries()) yield list.toSpliced(at, 1);
  if (within === undefined) return;
  for (const [at, item] of list.entries()) for (const other of within(item)) yield list.with(at, other);
}

function* smallerMoves(move: Move): Generator<Move> {
  if (move.kind !== 'act') return;
  if (move.when.kind !== 'always') yield { ...move, when: { kind: 'always' } };
  if (move.targets.length > 1) for (const target of move.targets) yield { ...move, targets: [target] };
  if (!move.awaited) yield { ...move, awaited: true };
  for (const args of smallerLists(move.args, smallerArguments)) yield { ...move, args };
}

function* smallerArguments({ name, value }: { readonly name: string; readonly value: Expression }) {
  for (const smaller of smallerExpressions(value)) yield { name, value: smaller };
}

function* smallerExpressions(expression: Expression): Generator<Expression> {
  switch (expression.kind) {
    case 'bit':
      yield expression.zero;
      yield expression.one;
      return;
    case 'list':
      yield* expression.items;
      return;
    case 'named':
      yield expression.value;
      return;
    case 'seen':
      if (expression.how !== 'plain') yield { ...expression, how: 'plain' };
      if (expression.back > 0) yield { ...expression, back: expression.back - 1 };
  }
}
