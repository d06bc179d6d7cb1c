import {
  type Crypto,
  type EnvelopeSigner,
  type JsonObject,
  sealedEnvelopeBytes,
} from '@provability-fabric/kernel';
import {
  encodeStatement,
  payloadTypeOf,
  type RecordEntry,
  type RecordPlace,
  type SecretAccessStatement,
  statementDigest,
  writeInputRecord,
} from '@provability-fabric/statements';
import type { SecretAccess } from '../audit.ts';

export interface AccessWriting {
  readonly crypto: Crypto;
  readonly signer: EnvelopeSigner;
  /** Bytes of the operating system's generator. */
  readonly random: (length: number) => Uint8Array;
  /** The provider's name, as it goes into statements. */
  readonly provider: string;
}

/** One access as a signed statement with its salted record, ready to commit. */
export function writeAccess(
  { crypto, signer, random, provider }: AccessWriting,
  { session, seq, previous, continues }: RecordPlace,
  access: SecretAccess,
): RecordEntry {
  const { id, tenant, principal, action, secret, result, details } = access;
  const { bytes: record, root } = writeInputRecord(
    crypto,
    { access_id: id, details } satisfies JsonObject,
    random,
  );
  const statement: SecretAccessStatement = {
    type: 'secret-access',
    tenant,
    session,
    seq,
    previous,
    continues,
    access_id: id,
    principal,
    action,
    secret,
    version: access.version ?? null,
    result,
    error_code: access.errorCode ?? null,
    provider,
    details_root: root,
    issued_at: new Date(access.at).toISOString(),
  };
  const payload = encodeStatement(statement);
  return {
    seq,
    digest: statementDigest(crypto, payload),
    envelope: sealedEnvelopeBytes(payloadTypeOf(statement), payload, [signer]),
    salt: random(32),
    record,
  };
}
