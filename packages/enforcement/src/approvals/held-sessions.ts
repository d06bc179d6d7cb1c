import type { Digest } from '@provability-fabric/kernel';
import type { HoldsState } from '@provability-fabric/policy';
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

/** Of one tenant. Beyond these the oldest are forgotten until something happens in them: their agents still have the tickets. */
const MOST = 10_000;

/** Where actions are held, so that a ticket is found without looking through every session. */
export class HeldSessions {
  /** By tenant, then by session: no tenant pushes out what another's people have to decide about. */
  readonly #held = new Map<string, Map<string, HeldSession>>();

  /** To be told whenever a session may have moved. */
  note({ tenant, id, bundle, state }: Pick<Session, 'tenant' | 'id' | 'bundle' | 'state'>): void {
    const { holds: tickets, epoch, opening } = state;
    if (tickets.size === 0 || opening === null) {
      const of = this.#held.get(tenant);
      of?.delete(id);
      if (of?.size === 0) this.#held.delete(tenant);
      return;
    }
    const own = this.#held.get(tenant) ?? new Map<string, HeldSession>();
    this.#held.set(tenant, own);
    const known = own.get(id);
    if (known?.tickets === tickets && known.bundle === bundle && known.epoch === epoch) return;
    own.set(id, { tenant, session: id, principal: opening.principal, bundle, epoch, tickets });
    const [oldest] = own.keys();
    if (own.size > MOST && oldest !== undefined) own.delete(oldest);
  }

  of(tenant: string): Iterable<HeldSession> {
    return this.#held.get(tenant)?.values() ?? [];
  }
}
