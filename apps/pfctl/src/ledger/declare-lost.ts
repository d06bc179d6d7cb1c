import { CommandError } from '@provability-fabric/command-line';
import { type OwnedDatabase, openLeases, readStoredLease } from '@provability-fabric/storage';

const LEASE_MS = 10_000;

export interface LostSession {
  /** Whose the session was; null where it had been given up already. */
  readonly owner: string | null;
  /** After which seq it goes on; null where the ledger has nothing of it. */
  readonly after: number | null;
}

/** Throws where its fabric still holds the session, or none ever did. */
export async function declareLost(
  database: OwnedDatabase,
  tenant: string,
  session: string,
): Promise<LostSession> {
  const before = await readStoredLease(database, tenant, session);
  // Owns nothing and asks for nothing: it only has the word that operators have.
  const place = { address: null, ttlMs: LEASE_MS, assurance: 'standard' } as const;
  const leases = await openLeases({ database, owner: 'pfctl', ...place });
  try {
    const answer = await leases.declareLost(tenant, session);
    if (answer.ok) {
      const seq = (await readStoredLease(database, tenant, session))?.seq ?? -1;
      return { owner: before?.released === false ? before.owner : null, after: seq < 0 ? null : seq };
    }
    throw answer.reason === 'held'
      ? new CommandError(
          'NOT_READY',
          `expected a session that no fabric holds, came ${tenant}/${session}, which ${before?.owner ?? 'one'} holds; end ` +
            'that fabric, or wait until its lease has run out',
        )
      : new CommandError(
          'INPUT_INVALID',
          `expected a session that several fabrics share, came ${tenant}/${session}, which none ever held`,
        );
  } finally {
    await leases.close({ shipped: false });
  }
}
