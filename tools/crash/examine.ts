import { type Digest, fromBase64, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import { decodeStatement } from '@provability-fabric/statements';

export interface Found {
  /** Effect by certificate id. */
  readonly permissions: Map<string, string>;
  /** All outcomes by certificate id, in order. */
  readonly outcomes: Map<string, string[]>;
  readonly problems: string[];
}

/** A statement as a log gives it back. */
export interface Logged {
  readonly session: string;
  readonly seq: number;
  readonly digest: Digest;
  readonly envelope: Uint8Array;
}

/** Reads a whole log: every session's chain without a gap, every certificate once. */
export async function examine(log: AsyncIterable<Logged> | Iterable<Logged>): Promise<Found> {
  const found: Found = { permissions: new Map(), outcomes: new Map(), problems: [] };
  const ends = new Map<string, { seq: number; digest: Digest | null; state: Digest | null }>();
  for await (const { session, seq, digest, envelope } of log) {
    const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
    const statement = decodeStatement(payloadType, fromBase64(payload));
    const end = ends.get(session) ?? { seq: -1, digest: null, state: null };
    if (seq !== end.seq + 1 || statement.seq !== seq)
      found.problems.push(`session ${session}: seq ${seq} after ${end.seq}`);
    if (statement.previous !== end.digest) found.problems.push(`session ${session}: broken chain at ${seq}`);
    if (end.state !== null && statement.state.before !== end.state)
      found.problems.push(`session ${session}: state jumps at ${seq}`);
    ends.set(session, { seq, digest, state: statement.state.after });
    if (statement.type === 'permission-certificate') {
      if (found.permissions.has(statement.certificate_id))
        found.problems.push(`certified twice: ${statement.certificate_id}`);
      found.permissions.set(statement.certificate_id, statement.effect);
    } else if (statement.type === 'outcome-certificate') {
      const outcomes = found.outcomes.get(statement.certificate_id) ?? [];
      found.outcomes.set(statement.certificate_id, [...outcomes, statement.outcome]);
    }
  }
  return found;
}
