import type { LoadedBundle } from '../load-bundle.ts';
import { decideAgain } from '../replay/decide-again.ts';
import type { PlayedSession } from '../replay/played-session.ts';
import { type Blocker, blockerKey, blockersIn } from './blockers.ts';
import { withModes } from './variant.ts';

export interface Stopped {
  readonly sessions: number;
  readonly events: number;
}

/** What one clause does to sessions in which nothing ought to be stopped. */
export interface ClauseLoss {
  readonly blocker: Blocker;
  /** Stopped by it, whoever else stops it, under the bundle as it is. */
  readonly together: Stopped;
  /** Stopped if it were enforced and every other restriction only watched. */
  readonly alone: Stopped;
}

export interface BenignLoss {
  readonly sessions: number;
  readonly events: number;
  readonly stopped: Stopped;
  /** Those that stop most first; of equal ones by name. */
  readonly clauses: readonly ClauseLoss[];
}

interface Counts {
  readonly blocker: Blocker;
  readonly together: { sessions: number; events: number };
  readonly alone: { sessions: number; events: number };
}

/** Counts what a bundle would cost those who do nothing wrong, clause by clause, by running `step` on variants of it. */
export class LossCounter {
  #sessions = 0;
  #events = 0;
  readonly #stopped = { sessions: 0, events: 0 };
  readonly #clauses = new Map<string, Counts>();
  readonly #bundle: LoadedBundle;
  readonly #variants = new Map<string, LoadedBundle>();

  constructor(bundle: LoadedBundle) {
    this.#bundle = bundle;
  }

  /** Takes a session into account where it is benign. */
  take(session: PlayedSession): void {
    if (session.benign !== true) return;
    this.#sessions += 1;
    const together = new Tally();
    let isClean = true;
    for (const { decision } of decideAgain(this.#bundle, session.inputs)) {
      if (decision === null) continue;
      this.#events += 1;
      if (decision.verdict !== 'accept') isClean = false;
      if (decision.effect !== 'allow') together.add(blockersIn(decision.reasons));
    }
    this.#stopped.events += together.events;
    if (together.events > 0) this.#stopped.sessions += 1;
    this.#count(together, 'together');
    // Where nothing was found in anything, no clause by itself finds more: each run is this one.
    if (!isClean) this.#takeAlone(session);
  }

  get result(): BenignLoss {
    const rows = [...this.#clauses.values()].sort(
      (a, b) =>
        b.together.sessions - a.together.sessions ||
        b.alone.sessions - a.alone.sessions ||
        b.together.events - a.together.events ||
        (blockerKey(a.blocker) < blockerKey(b.blocker) ? -1 : 1),
    );
    return { sessions: this.#sessions, events: this.#events, stopped: this.#stopped, clauses: rows };
  }

  /** Only what is found when nothing is enforced can be the first to stop anything by itself. */
  #takeAlone(session: PlayedSession): void {
    const found = new Map<string, Blocker>();
    for (const { decision } of decideAgain(this.#enforcing(null), session.inputs)) {
      const reasons = (decision?.reasons ?? []).map((reason) => ({ ...reason, mode: 'enforce' }) as const);
      for (const blocker of blockersIn(reasons)) found.set(blockerKey(blocker), blocker);
    }
    for (const blocker of found.values()) {
      const tally = new Tally();
      const variant = this.#enforcing(blocker.by === 'code' ? null : blocker);
      for (const { decision } of decideAgain(variant, session.inputs)) {
        const own = blockersIn(decision?.reasons ?? []).filter(
          (other) => blockerKey(other) === blockerKey(blocker),
        );
        if (decision !== null && decision.effect !== 'allow' && own.length > 0) tally.add(own);
      }
      this.#count(tally, 'alone');
    }
  }

  #count(tally: Tally, how: 'together' | 'alone'): void {
    for (const [key, { blocker, events }] of tally.by) {
      let counts = this.#clauses.get(key);
      if (counts === undefined) {
        counts = { blocker, together: { sessions: 0, events: 0 }, alone: { sessions: 0, events: 0 } };
        this.#clauses.set(key, counts);
      }
      counts[how].sessions += 1;
      counts[how].events += events;
    }
  }

  #enforcing(only: Blocker | null): LoadedBundle {
    const key = only === null ? '' : blockerKey(only);
    let variant = this.#variants.get(key);
    if (variant === undefined) {
      variant = withModes(
        this.#bundle,
        ({ id }) => (only?.by === 'clause' && only.name === id ? 'enforce' : 'shadow'),
        only?.by === 'default deny' ? 'enforce' : 'shadow',
      );
      this.#variants.set(key, variant);
    }
    return variant;
  }
}

/** Of one session. */
class Tally {
  events = 0;
  readonly by = new Map<string, { readonly blocker: Blocker; events: number }>();

  add(blockers: readonly Blocker[]): void {
    this.events += 1;
    for (const blocker of blockers) {
      const key = blockerKey(blocker);
      const known = this.by.get(key);
      if (known === undefined) this.by.set(key, { blocker, events: 1 });
      else known.events += 1;
    }
  }
}
