import {
  asDigest,
  base64,
  type Digest,
  envelopeBytes,
  hex,
  strictCanonicalBytes,
} from '@provability-fabric/kernel';
import type { Commit, SessionHead } from '../ports.ts';
import { crypto } from './log-fixture.ts';

/** Commits whose envelopes hold statements, as far as shipping looks into them. */
export function statementsOf(
  tenant: string,
  session: string,
  head: Pick<SessionHead, 'seq' | 'digest'> | undefined,
  count = 1,
  issuedAt = '2026-01-01T00:00:00.000Z',
): Commit {
  const entries: Commit['entries'][number][] = [];
  let previous: Digest | null = head?.digest ?? null;
  for (let seq = (head?.seq ?? -1) + 1; entries.length < count; seq++) {
    const type = 'session-record';
    const payload = strictCanonicalBytes({ type, tenant, session, seq, previous, issued_at: issuedAt });
    const digest = asDigest(hex(crypto.sha256(payload)));
    const payloadType = `application/vnd.provability-fabric.${type}+json`;
    entries.push({
      seq,
      digest,
      envelope: envelopeBytes({ payloadType, payload: base64(payload), signatures: [] }),
      salt: crypto.sha256(Buffer.from(`${tenant}/${session}/${seq}`)),
      record: Buffer.from(`record ${session}/${seq}`),
    });
    previous = digest;
  }
  return {
    tenant,
    session,
    expectedSeq: head?.seq ?? -1,
    expectedDigest: head?.digest ?? null,
    entries,
  };
}
