import type { ScannedStatement } from '@provability-fabric/evidence';
import type { OutcomeKind, PermissionCertificate } from '@provability-fabric/statements';
import { isWithin, type TimeRange } from '../times.ts';
import { decodeScanned } from './decode-scanned.ts';
import { glance } from './glance.ts';

export interface Selection {
  readonly tenant?: string;
  readonly session?: string;
  readonly effect?: string;
  readonly range: TimeRange;
  readonly limit: number;
}

export interface ListedCertificate {
  readonly index: number;
  readonly certificate: PermissionCertificate;
  /** null: none yet, or none to come. */
  readonly outcome: OutcomeKind | null;
}

interface Kept {
  readonly index: number;
  readonly envelope: Uint8Array;
  outcome: OutcomeKind | null;
}

/** The newest certificates that fit, in the order of the log, and how many fit in all. */
export async function listCertificates(
  statements: AsyncIterable<ScannedStatement>,
  { tenant, session, effect, range, limit }: Selection,
): Promise<{ readonly certificates: readonly ListedCertificate[]; readonly total: number }> {
  // In the order of insertion, so that the oldest goes first when there are too many.
  const kept = new Map<string, Kept>();
  let total = 0;
  for await (const scanned of statements) {
    if (tenant !== undefined && scanned.tenant !== tenant) continue;
    if (session !== undefined && scanned.session !== session) continue;
    const statement = glance(scanned);
    const keyOf = (id: string) => JSON.stringify([scanned.tenant, scanned.session, id]);
    if (statement.type === 'outcome-certificate') {
      const listed = kept.get(keyOf(statement.certificate_id));
      if (listed !== undefined) listed.outcome = statement.outcome;
      continue;
    }
    if (statement.type !== 'permission-certificate' || !isWithin(range, statement.issued_at)) continue;
    if (effect !== undefined && statement.effect !== effect) continue;
    total += 1;
    // A copy: the bytes belong to a segment that would otherwise stay in memory as a whole.
    const envelope = scanned.envelope.slice();
    kept.set(keyOf(statement.certificate_id), { index: scanned.index, envelope, outcome: null });
    if (kept.size > limit) kept.delete(kept.keys().next().value as string);
  }
  const certificates = [...kept.values()].map(({ index, envelope, outcome }) => ({
    index,
    certificate: decodeScanned({ envelope }) as PermissionCertificate,
    outcome,
  }));
  return { certificates, total };
}
