import {
  asDigest,
  base64,
  emptyRoot,
  fromBase64,
  hex,
  inclusionProof,
  sealEnvelope,
  treeRoot,
} from '@provability-fabric/kernel';
import {
  bucketOf,
  decodeStatement,
  type EvidenceHead,
  encodeLedgerStatement,
  HEAD_BUCKETS,
  type HeadStatement,
  headsRoot,
  ledgerPayloadTypeOf,
  type SessionEnd,
  sessionLeaf,
  sessionName,
  statementDigest,
} from '@provability-fabric/statements';
import { crypto } from './bundle.fixture.ts';
import { type EvidenceJson, SIGNER, type TestLog } from './log.fixture.ts';

/** What a dishonest writer, or whoever passes the file on, does to a head. */
export interface HeadLies {
  readonly head?: (honest: HeadStatement) => HeadStatement;
  readonly signer?: typeof SIGNER;
  /** Sessions that the head is over besides, or not. */
  readonly ends?: (honest: readonly SessionEnd[]) => readonly SessionEnd[];
}

/** A head over the first `size` entries of a log, with the ways to it for the sessions of a file. */
export function headFor(
  log: TestLog,
  file: Pick<EvidenceJson, 'entries'>,
  { size = log.entries.length, lies = {} }: { size?: number; lies?: HeadLies } = {},
): EvidenceHead {
  const honest = sessionEnds(log.entries.slice(0, size).map(({ envelope }) => envelope));
  const ends = lies.ends?.(honest) ?? honest;
  const root = headsRoot(crypto, ends);
  const said: HeadStatement = {
    type: 'head',
    writer: 'w1',
    count: ends.length,
    root,
    log_size: size,
    at: '2026-01-01T01:00:00.000Z',
  };
  const head = lies.head?.(said) ?? said;
  const signer = lies.signer ?? SIGNER;
  return {
    envelope: sealEnvelope(ledgerPayloadTypeOf(head), encodeLedgerStatement(head), [signer]),
    paths: pathsIn(
      ends,
      sessionEnds(file.entries.filter(({ index }) => index < size).map((e) => e.envelope)),
    ),
  };
}

/** By session, in the order of their first statements. */
function sessionEnds(
  envelopes: readonly { readonly payloadType: string; readonly payload: string }[],
): readonly SessionEnd[] {
  const ends = new Map<string, SessionEnd>();
  for (const { payloadType, payload } of envelopes) {
    const bytes = fromBase64(payload);
    const { tenant, session, seq } = decodeStatement(payloadType, bytes);
    ends.set(`${tenant} ${session}`, { tenant, session, seq, digest: statementDigest(crypto, bytes) });
  }
  return [...ends.values()];
}

/** Straight from the definition of a head's root. */
function pathsIn(ends: readonly SessionEnd[], wanted: readonly SessionEnd[]): EvidenceHead['paths'] {
  const nameOf = (end: SessionEnd) => hex(sessionName(crypto, end));
  const sorted = [...ends].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const inBucket = (bucket: number) => sorted.filter((end) => bucketOf(sessionName(crypto, end)) === bucket);
  const leavesOf = (bucket: number) => inBucket(bucket).map((end) => sessionLeaf(crypto, end));
  const used = new Set(ends.map((end) => bucketOf(sessionName(crypto, end))));
  const empty = emptyRoot(crypto);
  const buckets = Array.from({ length: HEAD_BUCKETS }, (_, bucket) =>
    used.has(bucket) ? treeRoot(crypto, leavesOf(bucket)) : empty,
  );
  const reader = (leaves: readonly Uint8Array[]) => (level: number, index: number) =>
    treeRoot(crypto, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
  return wanted.flatMap((end) => {
    const bucket = bucketOf(sessionName(crypto, end));
    const index = inBucket(bucket).findIndex((other) => nameOf(other) === nameOf(end));
    const leaves = leavesOf(bucket);
    if (index < 0) return [];
    return {
      index,
      size: leaves.length,
      in_bucket: inclusionProof(crypto, reader(leaves), index, leaves.length).map(base64),
      bucket: base64(buckets[bucket] as Uint8Array),
      to_root: inclusionProof(crypto, reader(buckets), bucket, HEAD_BUCKETS).map(base64),
    };
  });
}

/** Of a session that never was. */
export const STRANGER: SessionEnd = {
  tenant: 'acme',
  session: 'stranger',
  seq: 3,
  digest: asDigest('ab'.repeat(32)),
};
