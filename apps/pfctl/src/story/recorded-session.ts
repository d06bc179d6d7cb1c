import { EvidenceError, type LogReading, type StoredStatement } from '@provability-fabric/evidence';
import {
  type Crypto,
  type Digest,
  field,
  fromBase64,
  type JsonValue,
  MAX_JSON_DEPTH,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { type Input, PolicyError, parseInput } from '@provability-fabric/policy';
import {
  decodeStatement,
  inputOf,
  inputRoot,
  parseInputRecord,
  type Statement,
  StatementError,
  statementDigest,
} from '@provability-fabric/statements';

/** One statement of a session and what `step` took for it. */
export interface RecordedEntry {
  readonly index: number;
  /** SHA-256 of the statement's payload, which the next one names. */
  readonly digest: Digest;
  readonly statement: Statement;
  readonly input: RecordedInput;
}

export type RecordedInput =
  | { readonly kind: 'input'; readonly input: Input }
  /** The session was folded anew under another bundle. */
  | { readonly kind: 'bundle'; readonly at: number }
  | { readonly kind: 'erased' };

/** An agent's session's statements in order, from the log. Throws EVIDENCE_CORRUPT for a record that its statement does not name. */
export async function* recordedSession(
  log: Pick<LogReading, 'readSession'>,
  crypto: Crypto,
  tenant: string,
  session: string,
): AsyncGenerator<RecordedEntry> {
  for await (const stored of log.readSession(tenant, session)) yield recordedEntry(crypto, stored);
}

function recordedEntry(crypto: Crypto, { index, envelope, record }: StoredStatement): RecordedEntry {
  const parsed = parseEnvelope(parseJsonBytes(envelope));
  const payload = fromBase64(parsed.payload);
  const statement = decodeStatement(parsed.payloadType, payload);
  const place = { index, statement, digest: statementDigest(crypto, payload) };
  if (record === null) return { ...place, input: { kind: 'erased' } };
  const { session, seq } = statement;
  try {
    const leaves = parseInputRecord(parseJsonBytes(record, { maxDepth: MAX_JSON_DEPTH }));
    if (inputRoot(crypto, leaves) !== statement.input_root)
      throw changed(session, seq, 'it is not the one that its certificate names');
    return { ...place, input: recordedInput(inputOf(leaves)) };
  } catch (error) {
    if (!(error instanceof PolicyError || error instanceof StatementError)) throw error;
    throw changed(session, seq, error.message);
  }
}

function recordedInput(value: JsonValue): RecordedInput {
  if (field(value, 'kind') !== 'bundle') return { kind: 'input', input: parseInput(value) };
  return { kind: 'bundle', at: Number(field(value, 'at')) };
}

function changed(session: string, seq: number, problem: string): EvidenceError {
  return new EvidenceError(
    'EVIDENCE_CORRUPT',
    `the input record of \`${session}#${seq}\` was changed: ${problem}; run pfctl certs verify`,
  );
}
