import {
  asDigest,
  BOTTOM,
  canonicalBytes,
  digestJson,
  envelopeBytes,
  type JsonObject,
  sealEnvelope,
  utf8,
} from '@provability-fabric/kernel';
import {
  encodeStatement,
  inputRecord,
  inputRoot,
  payloadTypeOf,
  type Statement,
  statementDigest,
} from '@provability-fabric/statements';
import { expect } from 'vitest';
import type { FileLog } from '../file-log/file-log.ts';
import { crypto, testKeys } from './log-fixture.ts';

/** The bundle that every statement names. */
export const bundle = { name: 'mail', version: 1 };
const digest = digestJson(crypto, bundle);
const zero = asDigest('0'.repeat(64));

/** One statement more in a session: its opening, then permissions and their outcomes in turn. */
export async function addStatement(log: FileLog, tenant: string, session: string): Promise<string> {
  const { ring } = await testKeys();
  const head = log.head(tenant, session);
  const seq = (head?.seq ?? -1) + 1;
  const record = inputRecord(crypto, { kind: 'tick', at: seq }, crypto.sha256(utf8(`${session}${seq}`)));
  const certificateId = digestJson(crypto, [tenant, session, Math.floor((seq + 1) / 2)]);
  const link = {
    tenant,
    session,
    seq,
    previous: head?.digest ?? null,
    state: { before: zero, after: zero },
    input_root: inputRoot(crypto, record),
    issued_at: '2026-01-01T00:00:00.000Z',
  };
  const reference = { ...bundle, digest };
  const statement: Statement =
    seq === 0
      ? { type: 'session-record', ...link, kind: 'open', bundle: reference, epoch: 1, mode: 'enforce' }
      : seq % 2 === 1
        ? {
            type: 'permission-certificate',
            ...link,
            certificate_id: certificateId,
            principal: { id: 'agent-1', roles: [], org: 'acme' },
            action: { kind: 'call', target: 'send', args_digest: zero },
            bundle: reference,
            overlay: null,
            policy_hash: zero,
            automata_hash: zero,
            labeler_hash: zero,
            epoch: 1,
            verdict: 'accept',
            effect: 'allow',
            mode: 'enforce',
            checks: [],
            reasons: [],
            labels: { session: BOTTOM },
            approval: null,
            break_glass: null,
          }
        : {
            type: 'outcome-certificate',
            ...link,
            certificate_id: certificateId,
            outcome: 'done',
            result_digest: zero,
            label: BOTTOM,
            labels: { session: BOTTOM },
          };
  const payload = encodeStatement(statement);
  const envelope = envelopeBytes(sealEnvelope(payloadTypeOf(statement), payload, [ring.evidenceSigner()]));
  const entry = {
    seq,
    digest: statementDigest(crypto, payload),
    envelope,
    salt: crypto.sha256(utf8(`salt ${session} ${seq}`)),
    record: canonicalBytes(record as unknown as JsonObject),
  };
  const result = await log.commit({
    tenant,
    session,
    expectedSeq: seq - 1,
    expectedDigest: head?.digest ?? null,
    entries: [entry],
  });
  expect(result.ok).toBe(true);
  return certificateId;
}
