import { randomUUID } from 'node:crypto';
import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { requireName } from '../reader/name.ts';
import { UsageBatches } from './usage-batches.ts';

/** What an action takes from one limit; null: it counts for ever. */
export interface UsageCharge {
  readonly clause: string;
  readonly unit: string;
  readonly key: string;
  readonly amount: number;
  readonly window_ms: number | null;
  readonly tolerance_ms: number;
}

export interface UsageRequest {
  readonly tenant: string;
  readonly certificateId: string;
  readonly at: number;
  readonly charges: readonly UsageCharge[];
}

export interface Reservation {
  readonly used: readonly number[];
  release(clauses: readonly string[]): Promise<void>;
}

/** Counts of what many sessions share, for every fabric on one database. */
export interface SharedUsage {
  /** All of its charges in one transaction, durable when it resolves; counts are locked meanwhile, each by itself. */
  reserve(request: UsageRequest): Promise<Reservation>;
  close(): Promise<void>;
}

export interface SharedUsageOptions {
  readonly database: Database;
  /** How often counts that nobody takes from any more are looked for; once an hour unless told. */
  readonly pruneEveryMs?: number;
}

const TIMEOUT_MS = 5_000;
const KEY_LENGTH = 512;
const PRUNE_MS = 3_600_000;
/** How long after its last charge has left a count stays: clocks of fabrics differ. */
const SPARE_MS = 86_400_000;
const PRUNED_AT_ONCE = 1_000;

export function openSharedUsage({ database, pruneEveryMs = PRUNE_MS }: SharedUsageOptions): SharedUsage {
  let pruning: Promise<unknown> = Promise.resolve();
  const prune = () =>
    database.transaction(
      'pf_writer',
      (tx) => tx.query('select pf.prune_usage($1, $2)', [SPARE_MS, PRUNED_AT_ONCE]),
      {
        timeoutMs: TIMEOUT_MS,
      },
    );
  const timer = setInterval(() => {
    // What was not pruned is a little more to keep; the next time comes.
    pruning = prune().catch(() => undefined);
  }, pruneEveryMs).unref();

  const batches = new UsageBatches(database);

  return {
    async reserve({ tenant, certificateId, at, charges }) {
      requireNames(tenant, certificateId, charges);
      const [certificate, attempt] = [certificateId, randomUUID()];
      const used = await batches.reserve(
        tenant,
        charges.map((charge) => ({ ...written(charge), certificate, attempt, at })),
      );
      return {
        used,
        release: (clauses) =>
          batches.release(
            tenant,
            clauses.map((clause) => ({ certificate, attempt, clause })),
          ),
      };
    },
    async close() {
      clearInterval(timer);
      await pruning;
    },
  };
}

function written({ clause, unit, key, amount, window_ms, tolerance_ms }: UsageCharge) {
  const reach = window_ms === null ? null : Math.min(window_ms + tolerance_ms, Number.MAX_SAFE_INTEGER);
  return { clause, unit, key, amount, reach };
}

function requireNames(tenant: string, certificate: string, charges: readonly UsageCharge[]): void {
  requireName(tenant, 'a tenant');
  requireName(certificate, 'a certificate');
  for (const { clause, unit, key, amount } of charges) {
    requireName(clause, 'a clause');
    requireName(unit, 'a unit');
    requireName(key, 'the key of a count', KEY_LENGTH);
    if (Number.isSafeInteger(amount) && amount > 0) continue;
    throw new LedgerError('BAD_QUERY', 'expected a whole amount above 0 and below 2^53');
  }
}
