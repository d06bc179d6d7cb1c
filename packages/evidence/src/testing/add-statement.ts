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
  type ChainedStatement,
  encodeStatement,
  type InputRecord,
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

/** An access to a secret, with this id, as the newest statement of its session. */
export async function addAccess(log: FileLog, tenant: string, number: number, id: string): Promise<void> {
  const session = `secrets:${log.id}:${number}`;
  const head = log.head(tenant, session);
  const seq = (head?.seq ?? -1) + 1;
  const record = inputRecord(crypto, { access_id: id, details: {} }, crypto.sha256(utf8(`${session}${seq}`)));
  const statement: ChainedStatement = {
    type: 'secret-access',
    tenant,
    session,
    seq,
    previous: head?.digest ?? null,
    continues: seq === 0 ? (log.head(tenant, `secrets:${log.id}:${number - 1}`)?.digest ?? null) : null,
    access_id: id,
    principal: 'agent-1',
    action: 'WRITE',
    secret: 'db/primary',
    version: null,
    result: 'SUCCESS',
    error_code: null,
    provider: 'embedded',
    details_root: inputRoot(crypto, record),
    issued_at: '2026-01-01T00:00:00.000Z',
  };
  await commit(log, statement, record);
}

async function commit(log: FileLog, statement: ChainedStatement, record: InputRecord): Promise<void> {
  const { ring } = await testKeys();
  const { tenant, session, seq, previous } = statement;
  const payload = encodeStatement(statement);
  const entry = {
    seq,
    digest: statementDigest(crypto, payload),
    envelope: envelopeBytes(sealEnvelope(payloadTypeOf(statement), payload, [ring.evidenceSigner()])),
    salt: crypto.sha256(utf8(`salt ${session} ${seq}`)),
    record: canonicalBytes(record as unknown as JsonObject),
  };
  const place = { tenant, session, expectedSeq: seq - 1, expectedDigest: previous };
  expect((await log.commit({ ...place, entries: [entry] })).ok).toBe(true);
}

/** One statement more in a session: its opening, then permissions and their outcomes in turn. */
export async function addStatement(log: FileLog, tenant: string, session: string): Promise<string> {
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
  await commit(log, statement, record);
  return certificateId;
}
