import {
  type Checkpoint,
  type Crypto,
  concatBytes,
  type Digest,
  EnvelopeError,
  envelopeBytes,
  fromBase64,
  JsonError,
  leafHash,
  openEnvelope,
  verifyInclusion,
} from '@provability-fabric/kernel';
import {
  type ChainedStatement,
  decodeChained,
  type EvidenceEntry,
  type InputRecord,
  type Statement,
  StatementError,
  statementDigest,
} from '@provability-fabric/statements';
import type { Failures, Place } from './failure.ts';

/**
 * An entry whose statement could be read; what is wrong with its proof or signature is among the failures.
 */
export interface ReadEntry<Kind extends ChainedStatement = Statement> {
  readonly place: Place;
  readonly statement: Kind;
  /** SHA-256 of the statement's payload: what the next one's `previous` names. */
  readonly digest: Digest;
  readonly record: InputRecord | null;
}

export type AnyEntry = ReadEntry<ChainedStatement>;

/** The log's entries in its order, each once: a file has one form. */
export function verifyOrder(entries: readonly EvidenceEntry[], failures: Failures): void {
  if (entries.length === 0)
    failures.add('FORMAT', null, 'expected at least one entry: a file without any proves nothing');
  for (const [position, { index }] of entries.entries()) {
    const before = entries[position - 1]?.index ?? -1;
    if (index > before) continue;
    const came = index === before ? `came index ${index} twice` : `came index ${index} after ${before}`;
    failures.add(
      'ENTRY_ORDER',
      placeOf(index),
      `expected entries in the order of the log, each once, ${came}`,
    );
  }
}

/** One entry: its statement is well-formed, under the checkpoint, and signed. */
export function verifyEntry(
  crypto: Crypto,
  entry: EvidenceEntry,
  checkpoint: Checkpoint | undefined,
  keys: ReadonlyMap<string, Uint8Array>,
  failures: Failures,
): AnyEntry | undefined {
  const payload = fromBase64(entry.envelope.payload);
  const statement = statementIn(entry, payload, failures);
  const place = statement === undefined ? placeOf(entry.index) : placeOf(entry.index, statement);
  if (checkpoint !== undefined) verifyLeaf(crypto, entry, checkpoint, place, failures);
  verifySignature(crypto, entry, keys, place, failures);
  return statement && { place, statement, digest: statementDigest(crypto, payload), record: entry.record };
}

function placeOf(entry: number, statement?: ChainedStatement): Place {
  const { tenant = null, session = null, seq = null } = statement ?? {};
  return { entry, tenant, session, seq };
}

function statementIn(
  { index, envelope }: EvidenceEntry,
  payload: Uint8Array,
  failures: Failures,
): ChainedStatement | undefined {
  try {
    return decodeChained(envelope.payloadType, payload);
  } catch (error) {
    if (!(error instanceof StatementError || error instanceof JsonError)) throw error;
    failures.add('STATEMENT', placeOf(index), error.message);
    return undefined;
  }
}

/** The log's leaf is SHA-256(salt ‖ envelope) (CONTRACTS §6): it pins every byte of both. */
function verifyLeaf(
  crypto: Crypto,
  entry: EvidenceEntry,
  { size, root }: Checkpoint,
  place: Place,
  failures: Failures,
): void {
  const leaf = crypto.sha256(concatBytes(fromBase64(entry.salt), envelopeBytes(entry.envelope)));
  const proof = entry.inclusion.map((hash) => fromBase64(hash));
  const check = verifyInclusion(crypto, {
    index: entry.index,
    size,
    leaf: leafHash(crypto, leaf),
    proof,
    root,
  });
  if (!check.ok) failures.add('INCLUSION', place, `the proof that the entry is in the log: ${check.reason}`);
}

function verifySignature(
  crypto: Crypto,
  { envelope }: EvidenceEntry,
  keys: ReadonlyMap<string, Uint8Array>,
  place: Place,
  failures: Failures,
): void {
  try {
    openEnvelope(crypto, envelope, keys);
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    const code = error.code === 'ENVELOPE_UNKNOWN_KEY' ? error.code : 'ENVELOPE_SIGNATURE';
    failures.add(code, place, error.message);
  }
}
