import type { LoadedBundle } from '../load-bundle.ts';
import type { Decision, Reason } from '../output.ts';
import type { PlayedSession } from '../replay/played-session.ts';
import { blockerOf } from './blockers.ts';
import { bundleChanges, type Change, changeKey, sourceChanges } from './change.ts';
import { PlayedVariants, type Run } from './played-variants.ts';

/** How many inputs each of the searches may run through `step`: seconds, whatever the session. */
const SEARCH_STEPS = 50_000;
/** Of the same size, so many are told; and once one is known, so much more is done to find others. */
const MAX_TOLD = 5;
const STEPS_FOR_OTHERS = 5_000;

/** What would have let one action through. */
export interface WhyNot {
  readonly decision: Decision;
  /** What no mode and no other history weakens; where there is any, nothing is searched for. */
  readonly unweakened: readonly Reason[];
  /** By turning the bundle's levers. */
  readonly bundle: Found;
  /** By what the session had, and had done before. */
  readonly session: Found;
}

export interface Found {
  /** Sets of changes, all of one size. Each was played, and the action was let through. */
  readonly sets: readonly (readonly Change[])[];
  /**
   * `smallest`: no smaller set of such changes does it. `bound`: the search ended at its bound, and a smaller set than
   * these may do. `none`: no set of such changes does it.
   */
  readonly proof: 'smallest' | 'bound' | 'none';
  /** Up to this size every set was played. */
  readonly searched: number;
}

const NOTHING: Found = { sets: [], proof: 'none', searched: 0 };

/** The smallest changes that would let an action of a session through, found by playing it again and again. */
export function whyNot(
  bundle: LoadedBundle,
  session: PlayedSession,
  place: number,
  budget: number = SEARCH_STEPS,
): WhyNot {
  const variants = new PlayedVariants(bundle, session, place, budget);
  const { decision } = variants.base;
  const stopping = decision.reasons.filter(({ mode }) => mode === 'enforce');
  const unweakened = stopping.filter((reason) => blockerOf(reason).by === 'code');
  if (decision.effect === 'allow' || unweakened.length > 0)
    return { decision, unweakened, bundle: NOTHING, session: NOTHING };
  const ofBundle = searchBundle(bundle, variants);
  variants.left = budget;
  const ofSession = searchSession(bundle, variants, budget);
  return { decision, unweakened, bundle: ofBundle, session: ofSession };
}

interface Node {
  readonly changes: readonly Change[];
  readonly run: Run;
}

/**
 * By size, and complete: a clause that stops nothing in a run changes nothing in it when it is weakened, so that every
 * smallest set can be put together by adding, one at a time, what stops something in the run so far.
 */
function searchBundle(bundle: LoadedBundle, variants: PlayedVariants): Found {
  let level: readonly Node[] = [{ changes: [], run: variants.base }];
  for (let size = 1; ; size += 1) {
    const next = new Map<string, Node>();
    const sets: (readonly Change[])[] = [];
    for (const node of level) {
      for (const changes of extensions(bundle, variants, node)) {
        const key = keyOf(changes);
        if (next.has(key)) continue;
        const run = variants.play(changes);
        if (run === undefined) return boundedBundle(sets, size);
        next.set(key, { changes, run });
        if (run.decision.effect === 'allow') sets.push(inOrder(changes));
      }
    }
    if (sets.length > 0) return { sets: sets.slice(0, MAX_TOLD), proof: 'smallest', searched: size };
    if (next.size === 0) return { sets, proof: 'none', searched: size - 1 };
    level = [...next.values()];
  }
}

function boundedBundle(sets: readonly (readonly Change[])[], size: number): Found {
  const searched = size - 1;
  // All smaller ones were played: what was found is as small as can be, though there may be others.
  return { sets: sets.slice(0, MAX_TOLD), proof: sets.length > 0 ? 'smallest' : 'bound', searched };
}

function* extensions(
  bundle: LoadedBundle,
  variants: PlayedVariants,
  { changes, run }: Node,
): Generator<readonly Change[]> {
  const { target } = variants;
  const known = new Set(changes.map(changeKey));
  const asked = { tool: target, reasons: run.reasons };
  for (const change of bundleChanges(bundle, run.stopping, asked))
    if (!known.has(changeKey(change))) yield [...changes, change];
}

/** By size while the bound allows; past it, everything at once and then as little of it as will do. */
function searchSession(bundle: LoadedBundle, variants: PlayedVariants, budget: number): Found {
  const { reasons, allowed } = variants.base;
  // What moved a label or an automaton is looked at first: the bound may come before the end of a long session.
  const earlier = [...allowed.filter(({ moved }) => moved), ...allowed.filter(({ moved }) => !moved)];
  const possible: readonly Change[] = [
    ...sourceChanges(bundle, reasons),
    ...earlier.map(({ place, target }) => ({ kind: 'action not done before', place, target }) as const),
  ];
  for (let size = 1; size <= possible.length; size += 1) {
    const sets: (readonly Change[])[] = [];
    for (const changes of combinations(possible, size)) {
      const run = variants.play(changes);
      if (run === undefined) {
        if (sets.length > 0) return { sets, proof: 'smallest', searched: size - 1 };
        variants.left = budget;
        return thinnedOut(variants, possible, size - 1);
      }
      if (run.decision.effect === 'allow') {
        sets.push(changes);
        variants.left = Math.min(variants.left, STEPS_FOR_OTHERS);
      }
      if (sets.length === MAX_TOLD) break;
    }
    if (sets.length > 0) return { sets, proof: 'smallest', searched: size };
  }
  return { sets: [], proof: 'none', searched: possible.length };
}

function thinnedOut(variants: PlayedVariants, possible: readonly Change[], searched: number): Found {
  const doesIt = (changes: readonly Change[]) => variants.play(changes)?.decision.effect === 'allow';
  if (!doesIt(possible)) return { sets: [], proof: 'bound', searched };
  let kept = possible;
  for (
    let chunk = Math.ceil(possible.length / 2);
    chunk >= 1;
    chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)
  ) {
    for (let from = 0; from < kept.length; ) {
      const without = [...kept.slice(0, from), ...kept.slice(from + chunk)];
      if (without.length > 0 && doesIt(without)) kept = without;
      else from += chunk;
    }
  }
  return { sets: [kept], proof: 'bound', searched };
}

/** In lexicographic order, one at a time: there may be more than could ever be held. */
function* combinations<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  const picked = Array.from({ length: size }, (_, at) => at);
  for (;;) {
    yield picked.map((at) => items[at] as T);
    let last = size - 1;
    while (last >= 0 && picked[last] === items.length - size + last) last -= 1;
    if (last < 0) return;
    picked[last] = (picked[last] as number) + 1;
    for (let at = last + 1; at < size; at += 1) picked[at] = (picked[at - 1] as number) + 1;
  }
}

function inOrder(changes: readonly Change[]): readonly Change[] {
  return [...changes].sort((a, b) => (changeKey(a) < changeKey(b) ? -1 : 1));
}

function keyOf(changes: readonly Change[]): string {
  return inOrder(changes).map(changeKey).join('\n');
}
