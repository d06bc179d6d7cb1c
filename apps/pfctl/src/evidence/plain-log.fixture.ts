import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  type CommitEntry,
  nodeCrypto,
  openFileLog,
  openKeyRing,
  openRecordSealer,
} from '@provability-fabric/evidence';
import { type Digest, digestOf, envelopeBytes, sealEnvelope, utf8 } from '@provability-fabric/kernel';
import { encodeStatement, payloadTypeOf, type Statement } from '@provability-fabric/statements';
import { ORIGIN } from './data-folder.fixture.ts';

const crypto = nodeCrypto();
const digest = (text: string) => createHash('sha256').update(text).digest('hex') as Digest;
const bundle = { name: 'desk', version: 1, digest: digest('bundle') };
const label = { level: 'internal', compartments: ['tenant:acme'], integrity: 'trusted' } as const;

/** A decision as a test wants it; what it leaves out is an accepted call of `read_text_file`. */
export interface Decision {
  readonly tenant?: string;
  readonly session: string;
  readonly at: string;
  readonly tool?: string;
  readonly principal?: string;
  readonly effect?: 'allow' | 'hold' | 'block';
  readonly verdict?: 'accept' | 'hold' | 'reject' | 'error';
  readonly mode?: 'shadow' | 'monitor' | 'enforce' | 'disabled';
  readonly reasons?: readonly {
    readonly clause: string | null;
    readonly code: string;
    readonly mode?: 'shadow' | 'monitor' | 'enforce';
  }[];
  readonly outcome?: 'done' | 'failed' | 'ambiguous';
}

/**
 * Writes decisions that nobody made into a log: every statement is signed and in the log, and none can be derived again.
 * For what only reads certificates, in numbers that a fabric would take long for.
 */
export async function writePlainLog(directory: string, decisions: Iterable<Decision>): Promise<void> {
  const keys = join(directory, 'keys');
  const ring = await openKeyRing(keys, { origin: ORIGIN, create: true, crypto });
  const emit = () => {};
  const log = await openFileLog({
    directory,
    origin: ORIGIN,
    crypto,
    signer: ring.logSigner(),
    verifiers: ring.logVerifiers(),
    records: openRecordSealer({ directory: keys, emit }),
    emit,
  });
  const ends = new Map<string, { seq: number; digest: Digest | null }>();
  const signer = ring.evidenceSigner();
  const waiting: Promise<unknown>[] = [];
  for (const decision of decisions) {
    const { tenant = 'acme', session } = decision;
    const key = JSON.stringify([tenant, session]);
    const end = ends.get(key) ?? { seq: -1, digest: null };
    const entries: CommitEntry[] = [];
    let last = end;
    for (const make of statementsOf(decision)) {
      const statement = make(last.seq + 1, last.digest);
      const payload = encodeStatement(statement);
      const envelope = envelopeBytes(sealEnvelope(payloadTypeOf(statement), payload, [signer]));
      last = { seq: last.seq + 1, digest: digestOf(crypto, payload) };
      entries.push({
        seq: last.seq,
        digest: last.digest as Digest,
        envelope,
        salt: randomBytes(32),
        record: utf8('{}'),
      });
    }
    ends.set(key, last);
    waiting.push(log.commit({ tenant, session, expectedSeq: end.seq, expectedDigest: end.digest, entries }));
    if (waiting.length >= 512) await Promise.all(waiting.splice(0));
  }
  await Promise.all(waiting);
  await log.flush();
  await log.close();
}

type Make = (seq: number, previous: Digest | null) => Statement;

function statementsOf(decision: Decision): readonly Make[] {
  const {
    tenant = 'acme',
    session,
    at,
    tool = 'read_text_file',
    principal = 'agent',
    effect = 'allow',
  } = decision;
  const { verdict = 'accept', mode = 'enforce', reasons = [], outcome } = decision;
  const link = (seq: number, previous: Digest | null) => ({
    tenant,
    session,
    seq,
    previous,
    state: { before: digest('before'), after: digest('after') },
    input_root: digest('input'),
    issued_at: at,
  });
  const id = (seq: number) => digest(JSON.stringify([tenant, session, seq]));
  const permission: Make = (seq, previous) => ({
    type: 'permission-certificate',
    ...link(seq, previous),
    certificate_id: id(seq),
    principal: { id: principal, roles: ['support'], org: tenant },
    action: { kind: 'call', target: tool, args_digest: digest('args') },
    bundle,
    overlay: null,
    policy_hash: digest('policy'),
    automata_hash: digest('automata'),
    labeler_hash: digest('labeler'),
    epoch: 1,
    verdict,
    effect,
    mode,
    checks: ['authority', 'permit', 'trace', 'flow', 'limits'].map((check) => ({ check, verdict: 'accept' })),
    reasons: reasons.map(({ clause, code, mode: own = 'enforce' }) => ({
      check: 'flow',
      code,
      clause,
      mode: own,
      severity: 'high',
    })),
    labels: { session: label },
    approval: null,
    break_glass: null,
  });
  if (outcome === undefined) return [permission];
  return [
    permission,
    (seq, previous) => ({
      type: 'outcome-certificate',
      ...link(seq, previous),
      certificate_id: id(seq - 1),
      outcome,
      result_digest: null,
      label,
      labels: { session: label },
    }),
  ];
}
