import type { Lease, Leases } from '@provability-fabric/enforcement';
import type { MemoryLedger } from './memory-ledger.ts';

interface Row {
  readonly owner: string;
  readonly address: string;
  readonly fence: number;
  readonly expires: number;
  readonly released: boolean;
}

/** The leases that several fabrics of one test share. */
export class MemoryLeaseTable {
  readonly rows = new Map<string, Row>();
  readonly ledger: MemoryLedger;
  /** Whether a lease that ran out may be taken over: every answer was in the ledger before it was given. */
  readonly highAssurance: boolean;

  constructor(ledger: MemoryLedger, highAssurance = false) {
    this.ledger = ledger;
    this.highAssurance = highAssurance;
  }
}

/** One fabric's leases, without a renewal: they run out on its own clock a tenth before they do on the table's. */
export class MemoryLeases implements Leases {
  /** While set, the table cannot be asked. */
  failure: Error | undefined;
  readonly #table: MemoryLeaseTable;
  readonly #owner: string;
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #held = new Map<string, number>();

  constructor(table: MemoryLeaseTable, owner: string, now: () => number, ttlMs: number) {
    this.#table = table;
    this.#owner = owner;
    this.#now = now;
    this.#ttlMs = ttlMs;
  }

  async acquire(tenant: string, session: string): Promise<Lease> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    const name = `${tenant}\n${session}`;
    const row = this.#table.rows.get(name);
    const now = this.#now();
    if (row !== undefined && row.owner !== this.#owner && !row.released) {
      const expired = row.expires <= now;
      if (!expired || !this.#table.highAssurance) {
        const { owner, address } = row;
        return { ok: false, owner, address, reason: expired ? 'tail-missing' : 'held' };
      }
    }
    const fence = (row?.fence ?? 0) + 1;
    const expires = now + this.#ttlMs;
    const address = `http://${this.#owner}.example`;
    this.#table.rows.set(name, { owner: this.#owner, address, fence, expires, released: false });
    // Another owner's late statements are of an earlier fence from now on; our own still continue the chain.
    if (row !== undefined && row.owner !== this.#owner) this.#table.ledger.fence(tenant, session, fence);
    this.#held.set(name, now + 0.9 * this.#ttlMs);
    return { ok: true, fence };
  }

  holds(tenant: string, session: string): boolean {
    return this.#now() < (this.#held.get(`${tenant}\n${session}`) ?? Number.NEGATIVE_INFINITY);
  }

  async release(tenant: string, session: string): Promise<void> {
    const name = `${tenant}\n${session}`;
    this.#held.delete(name);
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    const row = this.#table.rows.get(name);
    if (row?.owner === this.#owner) this.#table.rows.set(name, { ...row, released: true });
  }
}
