import type { Digest } from '@provability-fabric/kernel';
import type { HoldsState } from '@provability-fabric/policy';
import { nameOf } from '../kept-sessions.ts';
import type { Session } from '../session.ts';

/** A session with tickets, in memory or not. */
export interface HeldSession {
  readonly tenant: string;
  readonly session: string;
  readonly principal: string;
  readonly bundle: Digest;
  readonly epoch: number;
  readonly tickets: HoldsState;
}

/** Beyond these the oldest are forgotten until something happens in them: their agents still have the tickets. */
const MOST = 10_000;

/** Where actions are held, so that a ticket is found without looking through every session. */
export class HeldSessions {
  readonly #held = new Map<string, HeldSession>();

  /** To be told whenever a session may have moved. */
  note({ tenant, id, bundle, state }: Pick<Session, 'tenant' | 'id' | 'bundle' | 'state'>): void {
    const name = nameOf(tenant, id);
    const { holds: tickets, epoch, opening } = state;
    if (tickets.size === 0 || opening === null) {
      this.#held.delete(name);
      return;
    }
    const known = this.#held.get(name);
    if (known?.tickets === tickets && known.bundle === bundle && known.epoch === epoch) return;
    this.#held.set(name, { tenant, session: id, principal: opening.principal, bundle, epoch, tickets });
    const [oldest] = this.#held.keys();
    if (this.#held.size > MOST && oldest !== undefined) this.#held.delete(oldest);
  }

  *of(tenant: string): Generator<HeldSession> {
    for (const held of this.#held.values()) if (held.tenant === tenant) yield held;
  }
}
