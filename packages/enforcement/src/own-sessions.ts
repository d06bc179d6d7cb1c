import { type Crypto, digestJson } from '@provability-fabric/kernel';
import type { Principal } from '@provability-fabric/policy';
import type { Journal, Leases, Observer, SessionArchive } from './ports.ts';
import { asEvidence, takeLease } from './take-lease.ts';

/** `own-` and sixteen digits of the principal's digest, `@`, and the time it was begun at. */
const OWN = /^(own-[0-9a-f]{16})@(\d{1,16})$/;

export interface OwnSessionsOptions {
  readonly crypto: Crypto;
  readonly journal: Pick<Journal, 'heads'>;
  readonly leases?: Leases;
  readonly observer: Pick<Observer, 'unavailable'>;
  readonly archive?: Pick<SessionArchive, 'newest'>;
}

/**
 * Which session a principal is in whose host names none: the newest of its own. Where several fabrics share a ledger, one
 * of them has all of a principal's own sessions, under a lease in the name that they begin with: two fabrics that each
 * began one would each forget what the other's has read.
 */
export class OwnSessions {
  readonly #options: OwnSessionsOptions;
  /** By tenant and name, when the newest was begun. Built once from the journal, and kept as sessions begin. */
  #newest: Map<string, number> | undefined;
  readonly #releasing = new Map<string, Promise<void>>();

  constructor(options: OwnSessionsOptions) {
    this.#options = options;
  }

  /** By digest: a principal's id may have characters, or a length, that a session's may not. */
  nameOf(principal: Pick<Principal, 'id'>): string {
    return `own-${digestJson(this.#options.crypto, principal.id).slice(0, 16)}`;
  }

  /** Makes this fabric the one that has them. Throws as `takeLease` does. */
  async acquire(tenant: string, name: string): Promise<void> {
    const { leases, archive, observer } = this.#options;
    if (leases === undefined) return;
    await this.#releasing.get(keyOf(tenant, name));
    if (leases.holds(tenant, name)) return;
    await takeLease({ leases, observer }, tenant, name);
    const newest = await asEvidence(observer, tenant, name, async () => archive?.newest(tenant, `${name}@`));
    const [, found, at] = OWN.exec(newest ?? '') ?? [];
    if (found === name) this.#note(tenant, name, Number(at));
  }

  current(tenant: string, name: string): string | undefined {
    const at = this.#index().get(keyOf(tenant, name));
    return at === undefined ? undefined : `${name}@${at}`;
  }

  begin(tenant: string, name: string, at: number): string {
    this.#note(tenant, name, at);
    return `${name}@${at}`;
  }

  /** A session was let go of; with a principal's newest, its own sessions are. */
  async left(tenant: string, session: string): Promise<void> {
    const [, name] = OWN.exec(session) ?? [];
    const { leases } = this.#options;
    if (leases === undefined || name === undefined || this.current(tenant, name) !== session) return;
    if (!leases.holds(tenant, name)) return;
    const key = keyOf(tenant, name);
    const releasing = leases.release(tenant, name).finally(() => this.#releasing.delete(key));
    this.#releasing.set(key, releasing);
    await releasing;
  }

  #index(): Map<string, number> {
    if (this.#newest === undefined) {
      this.#newest = new Map();
      for (const { tenant, session } of this.#options.journal.heads()) {
        const [, name, at] = OWN.exec(session) ?? [];
        if (name !== undefined) this.#note(tenant, name, Number(at));
      }
    }
    return this.#newest;
  }

  #note(tenant: string, name: string, at: number): void {
    const index = this.#index();
    const key = keyOf(tenant, name);
    if (at > (index.get(key) ?? -1)) index.set(key, at);
  }
}

/** Neither part has a line break. */
function keyOf(tenant: string, name: string): string {
  return `${tenant}\n${name}`;
}
