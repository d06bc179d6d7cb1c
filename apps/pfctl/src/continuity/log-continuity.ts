import type { LogReading } from '@provability-fabric/evidence';
import { isRecord, parseRecordSession, recordSession } from '@provability-fabric/statements';
import { decodeScanned } from '../evidence/decode-scanned.ts';
import { Findings } from '../ledger/findings.ts';
import type { Continuity } from './continuity.ts';

/**
 * The same of a log in files, where there is no database: each statement of the time since then names the one before it in
 * its session. That seqs have no gap is a condition of opening a log at all.
 */
export async function logContinuity(
  log: Pick<LogReading, 'scan' | 'freed'>,
  origin: string,
  since: number,
): Promise<Continuity> {
  const findings = new Findings();
  const from = new Date(since).toISOString();
  const ends = new Map<string, string>();
  const sessions = new Set<string>();
  let statements = 0;
  for await (const scanned of log.scan()) {
    const { tenant, session, seq, digest } = scanned;
    const key = keyOf(tenant, session);
    const before = ends.get(key);
    ends.set(key, digest);
    const statement = decodeScanned(scanned);
    if (statement.issued_at < from) continue;
    statements += 1;
    sessions.add(key);
    const where = `session ${tenant}/${session}`;
    // What was freed is in the ledger alone, and another fabric may have had the session in between.
    if (before !== undefined && statement.previous !== before)
      findings.addOnce(
        'SESSION',
        where,
        `seq ${seq} was not issued after the statement that is stored before it`,
      );
    const place = parseRecordSession(session);
    if (!isRecord(statement) || seq > 0 || place === undefined || place.number === 0) continue;
    const last = ends.get(keyOf(tenant, recordSession({ ...place, number: place.number - 1 })));
    if (last !== statement.continues && !(last === undefined && log.freed > 0))
      findings.addOnce('SESSION', where, 'it was not begun where the session before it ends');
  }
  return {
    source: 'log',
    origin,
    since: from,
    statements,
    sessions: sessions.size,
    findings: findings.kept,
    findingCount: findings.count,
    accesses: null,
  };
}

/** Names hold no NUL, so no two pairs share a key. */
function keyOf(tenant: string, session: string): string {
  return `${tenant}\0${session}`;
}
