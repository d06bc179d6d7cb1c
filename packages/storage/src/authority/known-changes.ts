// Epochs and revocations in memory, as of the last look at the database. Every decision asks here, so nothing
// in here waits; how old the last look is, the caller is told and has to mind.
import type { Database } from '../database/database.ts';

/** What a revocation names when the platform revoked a token that it knows of no tenant. */
export const EVERY_TENANT = '*';
/** Longer than clocks differ: until then an expired token's revocation stays in memory. */
const KEEP_EXPIRED_MS = 3_600_000;
const BATCH = 10_000;
const TIMEOUT_MS = 5_000;

export type Extent = 'changes' | 'everything' | 'anew';

interface Known {
  change: number;
  readonly epochs: Map<string, number>;
  readonly revoked: Set<string>;
}

interface RevokedRow {
  readonly change: number;
  readonly tenant: string;
  readonly kind: 'token' | 'principal';
  readonly id: string;
  readonly expires_at: number | null;
}

export class KnownChanges {
  readonly #database: Database;
  #known: Known = nothingKnown();

  constructor(database: Database) {
    this.#database = database;
  }

  /** 0 for a tenant whose epoch was never raised. */
  epoch(tenant: string): number {
    return this.#known.epochs.get(tenant) ?? 0;
  }

  revoked(tokenId: string, principal: { readonly tenant: string; readonly id: string }): boolean {
    const { revoked } = this.#known;
    return (
      revoked.has(keyOf(principal.tenant, 'token', tokenId)) ||
      revoked.has(keyOf(EVERY_TENANT, 'token', tokenId)) ||
      revoked.has(keyOf(principal.tenant, 'principal', principal.id))
    );
  }

  get size(): number {
    return this.#known.revoked.size;
  }

  /** Reads what changed, or everything. With `anew` what no longer needs to be known is forgotten as well. */
  async refresh(now: number, extent: Extent): Promise<void> {
    await this.#database.transaction(
      'pf_auditor',
      async (tx) => {
        const [state] = await tx.query<{ change: number; clock: number }>(
          `select change, (extract(epoch from clock_timestamp()) * 1000)::bigint as clock from pf.authority_state`,
        );
        const { change, clock } = state ?? { change: 0, clock: now };
        // A database that was put back to an earlier day counts the same numbers again, for other changes.
        const all = extent !== 'changes' || change < this.#known.change;
        const since = all ? 0 : this.#known.change;
        if (change === since) return;
        const known = extent === 'anew' ? nothingKnown() : this.#known;
        const epochs = await tx.query<{ tenant: string; epoch: number }>(
          `select tenant, epoch from pf.epochs where change > $1 and change <= $2`,
          [since, change],
        );
        // Of two clocks the one that is behind: a token may still pass for valid by either.
        const keptFrom = Math.min(now, clock) - KEEP_EXPIRED_MS;
        for (let from = since, rows = BATCH; rows === BATCH; ) {
          const batch = await tx.query<RevokedRow>(
            `select r.change, r.tenant, r.kind, r.id, t.expires_at from pf.revocations r
             left join pf.capability_tokens t on r.kind = 'token' and t.tenant = r.tenant and t.id = r.id
             where r.change > $1 and r.change <= $2 order by r.change limit ${BATCH}`,
            [from, change],
          );
          for (const { tenant, kind, id, expires_at } of batch) {
            if (expires_at === null || expires_at > keptFrom) known.revoked.add(keyOf(tenant, kind, id));
          }
          rows = batch.length;
          from = batch.at(-1)?.change ?? change;
        }
        // Never down, not even where the database was: a token that was refused stays refused.
        for (const [tenant, epoch] of this.#known.epochs) raise(known.epochs, tenant, epoch);
        for (const { tenant, epoch } of epochs) raise(known.epochs, tenant, epoch);
        known.change = change;
        this.#known = known;
      },
      { readOnly: true, timeoutMs: TIMEOUT_MS },
    );
  }
}

function raise(epochs: Map<string, number>, tenant: string, epoch: number): void {
  epochs.set(tenant, Math.max(epoch, epochs.get(tenant) ?? 0));
}

function nothingKnown(): Known {
  return { change: 0, epochs: new Map(), revoked: new Set() };
}

/** Names hold no NUL, so no two share a key. */
function keyOf(tenant: string, kind: string, id: string): string {
  return `${tenant}\0${kind}\0${id}`;
}
