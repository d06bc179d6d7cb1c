import { EvidenceError } from '../errors.ts';
import type { LedgerEntry } from '../ledger/ports.ts';
import type { LogEntry } from '../ports.ts';

const PAYLOAD_TYPE = /^application\/vnd\.provability-fabric\.([a-z-]+)\+json$/;

/** What the ledger is told of an entry: its kind and time are taken from the statement itself. */
export function ledgerEntryOf(entry: LogEntry): LedgerEntry {
  const { index, tenant, session, seq, digest, envelope, salt, sealedRecord } = entry;
  const { type, issuedAt } = describe(envelope) ?? {};
  if (type === undefined || issuedAt === undefined || Number.isNaN(issuedAt)) {
    throw new EvidenceError(
      'EVIDENCE_CORRUPT',
      `expected a statement with a type and a time at log index ${index}, came something else; it cannot be shipped`,
    );
  }
  return { type, tenant, session, seq, digest, issuedAt, envelope, salt, sealedRecord };
}

// The engine's parser and not the strict one: our own statement, whose signature others check, on a path that has
// to keep up with every commit.
function describe(envelope: Uint8Array): { type?: string; issuedAt?: number } | undefined {
  try {
    const { payloadType, payload } = JSON.parse(Buffer.from(envelope).toString('utf8'));
    const statement = JSON.parse(Buffer.from(payload, 'base64').toString('utf8'));
    const type = PAYLOAD_TYPE.exec(payloadType)?.[1];
    return { ...(type === undefined ? {} : { type }), issuedAt: Date.parse(statement.issued_at) };
  } catch {
    return undefined;
  }
}
