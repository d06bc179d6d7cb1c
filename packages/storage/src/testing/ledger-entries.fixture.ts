import { type LedgerEntry, nodeCrypto } from '@provability-fabric/evidence';
import {
  base64,
  canonicalBytes,
  type Digest,
  digestOf,
  envelopeBytes,
  utf8,
} from '@provability-fabric/kernel';

const crypto = nodeCrypto();

export interface SessionEnd {
  readonly seq: number;
  readonly digest: Digest;
}

export interface Shape {
  readonly tenant: string;
  readonly session: string;
  /** Makes the statements others than those of another mark. */
  readonly mark?: string;
  /** Bytes that make statements, and records, longer. */
  readonly padding?: string;
  readonly record?: Uint8Array | null;
}

/** Statements that continue a session, shaped as the ledger reads them; the signature is a made-up one. */
export function entriesAfter(end: SessionEnd | undefined, count: number, shape: Shape): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  let [seq, previous] = [(end?.seq ?? -1) + 1, end?.digest ?? null];
  for (; entries.length < count; seq++) {
    const entry = entryOf(
      {
        type: 'permission-certificate',
        tenant: shape.tenant,
        session: shape.session,
        seq,
        previous,
        certificate_id: digestOf(crypto, utf8(`${shape.tenant}/${shape.session}/${seq}/${shape.mark ?? ''}`)),
        principal: { id: 'agent-1', roles: ['support'], org: 'acme' },
        verdict: 'accept',
        mark: shape.mark ?? '',
        padding: shape.padding ?? '',
      },
      shape.record,
    );
    entries.push(entry);
    previous = entry.digest;
  }
  return entries;
}

/** One statement as an entry; what it says of its place is where it goes. */
export function entryOf(
  statement: {
    readonly type: string;
    readonly tenant: string;
    readonly session?: string;
    readonly seq?: number;
    readonly [field: string]: unknown;
  },
  sealedRecord: Uint8Array | null = utf8('sealed'),
  payload = canonicalBytes(statement as Parameters<typeof canonicalBytes>[0]),
): LedgerEntry {
  const digest = digestOf(crypto, payload);
  return {
    type: statement.type,
    tenant: statement.tenant,
    session: statement.session ?? null,
    seq: statement.seq ?? null,
    digest,
    issuedAt: 1_767_225_600_000 + (statement.seq ?? 0),
    envelope: envelopeBytes({
      payloadType: `application/vnd.provability-fabric.${statement.type}+json`,
      payload: base64(payload),
      signatures: [{ keyid: 'evidence.test', sig: base64(new Uint8Array(64).fill(7)) }],
    }),
    salt: crypto.sha256(utf8(`salt ${digest}`)),
    sealedRecord,
  };
}

export function endOf(entries: readonly LedgerEntry[]): SessionEnd {
  const last = entries.at(-1);
  if (last === undefined || last.seq === null) throw new Error('expected entries of a session');
  return { seq: last.seq, digest: last.digest };
}
