import { type Blocker, blockerKey, blockersIn, type ReplayedEvent } from '@provability-fabric/policy';
import type { CertifiedReason } from '@provability-fabric/statements';

/** Actions whose effect another bundle, or another mode, would change. */
export interface WhatChanges {
  readonly blocked: Changed;
  readonly held: Changed;
  /** Allowed that was blocked or held. */
  readonly released: Changed;
}

export interface Changed {
  readonly events: number;
  readonly sessions: number;
  /** By what stops them now, or stopped them before; one event may count for several. Most first. */
  readonly by: readonly { readonly blocker: Blocker; readonly events: number }[];
}

/** What an action got before: under the other bundle, or when it was recorded. */
interface Answer {
  readonly effect: string;
  readonly reasons: readonly Pick<CertifiedReason, 'check' | 'clause' | 'code' | 'mode'>[];
}

const EFFECTS = { block: 'blocked', hold: 'held', allow: 'released' } as const;

export class ChangeCounter {
  readonly #kinds = { blocked: new Counted(), held: new Counted(), released: new Counted() };

  /** `session` is told apart from others of its name. */
  take(session: number, before: Answer, after: ReplayedEvent): void {
    if (before.effect === after.effect) return;
    const effect = after.effect as keyof typeof EFFECTS;
    this.#kinds[EFFECTS[effect]].add(session, blockersIn((effect === 'allow' ? before : after).reasons));
  }

  get result(): WhatChanges {
    const { blocked, held, released } = this.#kinds;
    return { blocked: blocked.result, held: held.result, released: released.result };
  }
}

class Counted {
  #events = 0;
  #sessions = 0;
  #last: number | undefined;
  readonly #by = new Map<string, { readonly blocker: Blocker; events: number }>();

  add(session: number, blockers: readonly Blocker[]): void {
    this.#events += 1;
    // Sessions come one after the other.
    if (session !== this.#last) this.#sessions += 1;
    this.#last = session;
    for (const blocker of blockers) {
      const key = blockerKey(blocker);
      const known = this.#by.get(key);
      if (known === undefined) this.#by.set(key, { blocker, events: 1 });
      else known.events += 1;
    }
  }

  get result(): Changed {
    const by = [...this.#by.values()].sort(
      (a, b) => b.events - a.events || (blockerKey(a.blocker) < blockerKey(b.blocker) ? -1 : 1),
    );
    return { events: this.#events, sessions: this.#sessions, by };
  }
}
