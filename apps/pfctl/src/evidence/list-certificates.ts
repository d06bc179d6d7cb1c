import type { ScannedStatement } from '@provability-fabric/evidence';
import { fromBase64, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import {
  decodeStatement,
  type OutcomeKind,
  type PermissionCertificate,
  type Statement,
} from '@provability-fabric/statements';

export interface Selection {
  readonly tenant?: string;
  readonly session?: string;
  readonly effect?: string;
  readonly limit: number;
}

export interface ListedCertificate {
  readonly index: number;
  readonly certificate: PermissionCertificate;
  /** null: none yet, or none to come. */
  outcome: OutcomeKind | null;
}

/** The newest certificates that fit, in the order of the log, and how many fit in all. */
export async function listCertificates(
  statements: AsyncIterable<ScannedStatement>,
  { tenant, session, effect, limit }: Selection,
): Promise<{ readonly certificates: readonly ListedCertificate[]; readonly total: number }> {
  // In the order of insertion, so that the oldest goes first when there are too many.
  const kept = new Map<string, ListedCertificate>();
  let total = 0;
  for await (const scanned of statements) {
    if (tenant !== undefined && scanned.tenant !== tenant) continue;
    if (session !== undefined && scanned.session !== session) continue;
    const statement = decode(scanned);
    if (statement.type === 'session-record') continue;
    const key = JSON.stringify([scanned.tenant, scanned.session, statement.certificate_id]);
    if (statement.type === 'outcome-certificate') {
      const listed = kept.get(key);
      if (listed !== undefined) listed.outcome = statement.outcome;
      continue;
    }
    if (effect !== undefined && statement.effect !== effect) continue;
    total += 1;
    kept.set(key, { index: scanned.index, certificate: statement, outcome: null });
    if (kept.size > limit) kept.delete(kept.keys().next().value as string);
  }
  return { certificates: [...kept.values()], total };
}

function decode({ envelope }: Pick<ScannedStatement, 'envelope'>): Statement {
  const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
  return decodeStatement(payloadType, fromBase64(payload));
}
