import {
  type Crypto,
  type Digest,
  field,
  fromBase64,
  fromUtf8,
  type JsonValue,
  MAX_JSON_DEPTH,
  openEnvelope,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { type Input, parseInput } from '@provability-fabric/policy';
import {
  decodeStatement,
  type InputRecord,
  inputOf,
  inputRoot,
  parseInputRecord,
  type Statement,
  statementDigest,
} from '@provability-fabric/statements';
import { EnforcementError } from './errors.ts';
import type { StoredStatement } from './ports.ts';

export interface ReadingTools {
  readonly crypto: Crypto;
  /** The keys that fabrics of this ledger sign with, by id: whose statements a session may be continued from. */
  readonly evidenceKeys?: () => ReadonlyMap<string, Uint8Array>;
}

/** A statement as it was signed, and its digest, which the next one names. */
export interface Recorded {
  readonly statement: Statement;
  readonly digest: Digest;
}

/** Whether another fabric decided it: this journal cannot vouch for it. */
function isForeign({ index }: StoredStatement): boolean {
  return index < 0;
}

/**
 * What this journal has was held against its signed tree when it was read, and this program wrote it. Another fabric's is
 * read as a stranger's: strictly, and signed by a key that is known.
 */
export function recordedIn(
  { crypto, evidenceKeys }: ReadingTools,
  session: string,
  stored: StoredStatement,
): Recorded {
  if (!isForeign(stored)) {
    // The engine's reader: statements hold no number that it would round.
    const { payload: encoded } = JSON.parse(fromUtf8(stored.envelope)) as { payload: string };
    const payload = fromBase64(encoded);
    return {
      statement: JSON.parse(fromUtf8(payload)) as Statement,
      digest: statementDigest(crypto, payload),
    };
  }
  try {
    const envelope = parseEnvelope(parseJsonBytes(stored.envelope));
    const payload =
      evidenceKeys === undefined
        ? fromBase64(envelope.payload)
        : openEnvelope(crypto, envelope, evidenceKeys()).payload;
    const statement = decodeStatement(envelope.payloadType, payload);
    return { statement, digest: statementDigest(crypto, payload) };
  } catch (cause) {
    const problem = `seq ${stored.seq}, which another fabric decided, cannot be read: ${cause instanceof Error ? cause.message : cause}`;
    throw corrupt(session, problem, cause);
  }
}

/**
 * The input that a statement's record holds; undefined for a change of bundle, which has no input of its own: the whole
 * history is folded anew. Another fabric's record is held against the root that its statement was signed with; one of our own
 * was sealed for its place in this journal, by this program.
 */
export function inputIn(crypto: Crypto, statement: Statement, stored: StoredStatement): Input | undefined {
  const { session, seq } = statement;
  if (stored.record === null)
    throw corrupt(
      session,
      `the input record of seq ${seq} was erased, or its key lies in another fabric’s folder`,
    );
  const parsed = parseJsonBytes(stored.record, { maxDepth: MAX_JSON_DEPTH });
  const record = isForeign(stored) ? parseInputRecord(parsed) : (parsed as unknown as InputRecord);
  if (isForeign(stored) && inputRoot(crypto, record) !== statement.input_root)
    throw corrupt(session, `the input record of seq ${seq} is not the one that its certificate names`);
  const value: JsonValue = inputOf(record);
  return field(value, 'kind') === 'bundle' ? undefined : parseInput(value);
}

export function corrupt(session: string, problem: string, cause?: unknown): EnforcementError {
  return new EnforcementError(
    'SESSION_CORRUPT',
    `session \`${session}\` cannot be continued: ${problem}; start a new session and run pf-verify on this one`,
    cause === undefined ? {} : { cause },
  );
}
