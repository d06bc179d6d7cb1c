import type { Label } from '@provability-fabric/kernel';
import type { LoadedBundle } from '@provability-fabric/policy';
import type { Move } from './agent.ts';
import type { BundleSpec } from './bundle-spec.ts';
import { Chance } from './chance.ts';
import { environmentPair } from './environment.ts';
import { lowView } from './low-view.ts';
import { unoriginatedValue } from './origin.ts';
import { type Monitor, type Run, runSession } from './run.ts';

/** One agent under one bundle, in two environments that are equal to an observer. */
export interface Pair {
  readonly spec: BundleSpec;
  readonly level: Label;
  readonly moves: readonly Move[];
  /** What the two environments are drawn from. */
  readonly seed: string;
}

export interface Judged {
  readonly left: Run;
  readonly right: Run;
  readonly released: number;
  readonly violation: Violation | undefined;
}

/** Theorem 1, theorem 2 and lemma L5 of docs/theory.md, by the names that they have there. */
export type Law = 'views' | 'values' | 'refusals';

export interface Violation {
  readonly law: Law;
  readonly about: string;
}

export function judgePair(monitor: Monitor, bundle: LoadedBundle, pair: Pair): Judged {
  const { spec, level, seed } = pair;
  const environments = environmentPair(spec, level, new Chance(seed));
  const left = runSession(monitor, bundle, pair, environments.left);
  const right = runSession(monitor, bundle, pair, environments.right);
  const views = [lowView(spec, level, left), lowView(spec, level, right)] as const;
  const released = views[0].released + views[1].released;
  const apart = firstDifference(views[0].seen, views[1].seen);
  const violation: Violation | undefined =
    apart !== undefined ? { law: 'views', about: apart } : (brokenBy(spec, left) ?? brokenBy(spec, right));
  return { left, right, released, violation };
}

function firstDifference(left: readonly string[], right: readonly string[]): string | undefined {
  const at = left.findIndex((sight, index) => sight !== right[index]);
  const place = at >= 0 ? at : left.length < right.length ? left.length : -1;
  if (place < 0) return undefined;
  return `left sees \`${left[place] ?? 'nothing'}\`, right sees \`${right[place] ?? 'nothing'}\``;
}

function brokenBy(spec: BundleSpec, { happenings }: Run): Violation | undefined {
  for (const happening of happenings) {
    const value = unoriginatedValue(spec, happening);
    if (value !== undefined) return { law: 'values', about: `${happening.asked.target} ${value}` };
    if (happening.refusalMoved) return { law: 'refusals', about: happening.asked.target };
  }
  return undefined;
}
