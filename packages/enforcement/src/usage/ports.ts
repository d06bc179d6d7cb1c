/** What an action takes from one limit. */
export interface UsageCharge {
  readonly clause: string;
  readonly unit: string;
  /** Whose count it is, within the tenant. */
  readonly key: string;
  /** Whole units above 0, below 2^53. */
  readonly amount: number;
  /** null: it counts for ever. */
  readonly window_ms: number | null;
  readonly tolerance_ms: number;
}

export interface UsageRequest {
  readonly tenant: string;
  readonly certificateId: string;
  /** ms since the epoch, of this process's clock: a count's own time never goes back. */
  readonly at: number;
  /** Each clause once. */
  readonly charges: readonly UsageCharge[];
}

export interface Reservation {
  /** Of each charge, in their order: what all others within its window had taken when it was reserved. */
  readonly used: readonly number[];
  /** Takes back what this very reservation holds of these clauses, and nothing that a later one of its certificate holds. */
  release(clauses: readonly string[]): Promise<void>;
}

/**
 * What sessions take from limits that they share. `reserve` is atomic over its charges and durable when it resolves, and
 * reservations of one count are made one after another: each sees all before it that were not released. A certificate
 * that reserves again replaces what it held. Throws where that cannot be had; what was reserved may stay counted then.
 */
export interface Usage {
  reserve(request: UsageRequest): Promise<Reservation>;
}
