import { type JsonValue, requireCanonical, strictCanonicalBytes } from '@provability-fabric/kernel';
import { z } from 'zod';
import { count, digest, instant, label, name } from './fields.ts';
import type { LedgerStatement } from './ledger-statement.ts';
import { parseStatement } from './parse-statement.ts';

const payloadTypes = {
  head: 'application/vnd.provability-fabric.head+json',
  'access-receipt': 'application/vnd.provability-fabric.access-receipt+json',
  'egress-certificate': 'application/vnd.provability-fabric.egress-certificate+json',
  'capability-token': 'application/vnd.provability-fabric.capability-token+json',
  revocation: 'application/vnd.provability-fabric.revocation+json',
} as const;

const text = z.string().max(4096);

const schema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('head'),
    writer: name,
    count,
    root: digest,
    log_size: count,
    at: instant,
  }),
  z.strictObject({
    type: z.literal('access-receipt'),
    receipt_id: name,
    tenant: name,
    subject_id: name,
    query_hash: digest,
    index_shard: name,
    timestamp: instant,
    result_hash: digest,
    result_count: count,
    query_time_ms: count,
    labels_accessed: z.array(label),
    abac_decision: z.strictObject({
      allowed: z.boolean(),
      policy_version: name,
      rules_applied: z.array(name),
    }),
    witness: text.nullable(),
    sign_alg: z.literal('Ed25519'),
  }),
  z.strictObject({
    type: z.literal('egress-certificate'),
    certificate_id: name,
    session: name,
    tenant: name,
    policy_hash: digest,
    text_hash: digest,
    detectors: z.strictObject({ pii: count, secret: count, near_dupe: count }),
    findings: z.array(
      z.strictObject({
        kind: name,
        span: z
          .strictObject({ start: count, end: count })
          .refine(({ start, end }) => start <= end, 'expected a start that is not behind its end'),
      }),
    ),
    action_taken: z.enum(['ALLOW', 'REDACT', 'BLOCK']),
    risk_score: z.int().min(0).max(1_000_000),
    influencing_labels: z.array(label),
    non_interference: z.enum(['passed', 'failed']),
    issued_at: instant,
  }),
  z.strictObject({
    type: z.literal('capability-token'),
    token_id: name,
    tenant: name,
    subject: name,
    sid: name.nullable(),
    audience: name,
    roles: z.array(name),
    capabilities: z.array(text.min(1)),
    epoch: count,
    issued_at: instant,
    expires_at: instant,
  }),
  z.strictObject({
    type: z.literal('revocation'),
    tenant: name,
    kind: z.enum(['token', 'principal']),
    id: name,
    reason: text,
    by: name,
    issued_at: instant,
  }),
]);

export function ledgerPayloadTypeOf(statement: LedgerStatement): string {
  return payloadTypes[statement.type];
}

/** The one byte form of a statement: strict RFC 8785, numbers are safe integers. */
export function encodeLedgerStatement(statement: LedgerStatement): Uint8Array {
  return strictCanonicalBytes(statement as unknown as JsonValue);
}

/** As `decodeStatement`, for the statements that stand in no session's chain. */
export function decodeLedgerStatement(payloadType: string, payload: Uint8Array): LedgerStatement {
  return parseStatement<LedgerStatement>(schema, payloadTypes, payloadType, requireCanonical(payload));
}
