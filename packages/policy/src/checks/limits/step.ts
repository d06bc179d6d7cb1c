import { type Digest, digestJson } from '@provability-fabric/kernel';
import { type AppendLog, append, emptyLog } from '../../append-log.ts';
import type { LimitClause } from '../../compiled-bundle.ts';
import { matches } from '../../event-class.ts';
import type { Check, Finding } from '../check.ts';
import { againstClause } from '../findings.ts';

/** The counted events of one limit. `chain` digests all times ever counted, so the state's digest needs no second pass. */
interface Window {
  readonly times: AppendLog<number>;
  /** Events before this index have left the window for good: time never goes back. */
  readonly first: number;
  readonly chain: Digest | null;
}

export type LimitsState = readonly Window[];

/** How much: sliding windows over allowed events. Edges are inclusive and the tolerance widens the window. */
export const limits: Check<LimitsState> = {
  init: (bundle) => bundle.limits.map(() => ({ times: emptyLog<number>(), first: 0, chain: null })),
  describe: (state) => state.map(({ times, first, chain }) => [times.length, first, chain]),
  onIntent(bundle, _facts, state, event) {
    const findings: Finding[] = [];
    let moved = false;
    const next = state.map((window, index) => {
      const clause = bundle.limits[index] as LimitClause;
      if (!matches(clause.on, event)) return window;
      const first = firstWithin(window, clause, event.time);
      const counted = window.times.length - first;
      if (counted + 1 > clause.max) {
        findings.push(
          againstClause(clause, 'LIMIT_EXCEEDED', { counted, max: clause.max, window_ms: clause.window_ms }),
        );
        return window;
      }
      moved = true;
      const chain = digestJson(bundle.crypto, [window.chain, event.time]);
      return { times: append(window.times, event.time), first, chain };
    });
    return { findings, next: moved ? next : state };
  },
};

function firstWithin(window: Window, clause: LimitClause, time: number): number {
  if (clause.window_ms === null) return window.first;
  const oldest = time - clause.window_ms - clause.tolerance_ms;
  let first = window.first;
  while (first < window.times.length && (window.times.items[first] as number) < oldest) first += 1;
  return first;
}
