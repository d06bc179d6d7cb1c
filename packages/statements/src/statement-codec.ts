import {
  type Crypto,
  type Digest,
  digestOf,
  type JsonValue,
  requireCanonical,
  strictCanonicalBytes,
} from '@provability-fabric/kernel';
import { z } from 'zod';
import { count, digest, instant, label, name } from './fields.ts';
import { GOVERNED_CHANGE_KINDS } from './governed-change.ts';
import { parseStatement } from './parse-statement.ts';
import type { ChainedStatement, Statement } from './statement.ts';

const payloadTypes = {
  'permission-certificate': 'application/vnd.provability-fabric.permission-certificate+json',
  'outcome-certificate': 'application/vnd.provability-fabric.outcome-certificate+json',
  'session-record': 'application/vnd.provability-fabric.session-record+json',
  'secret-access': 'application/vnd.provability-fabric.secret-access+json',
  'governed-change': 'application/vnd.provability-fabric.governed-change+json',
} as const;

const mode = z.enum(['shadow', 'monitor', 'enforce']);
const modeOrDisabled = z.enum(['shadow', 'monitor', 'enforce', 'disabled']);
const verdict = z.enum(['accept', 'hold', 'reject', 'error']);
/** A code, such as `READ`. */
const word = z.string().regex(/^[A-Z][A-Z_]{0,63}$/, 'expected capital letters and `_`');
const secretNames = z.array(name).min(1).max(128);
const bundle = z.strictObject({ name, version: z.int().positive(), digest });
const place = { tenant: name, session: name, seq: count, previous: digest.nullable() };
const link = {
  ...place,
  state: z.strictObject({ before: digest, after: digest }),
  input_root: digest,
  issued_at: instant,
};

const folded = [
  z.strictObject({
    type: z.literal('permission-certificate'),
    ...link,
    certificate_id: digest,
    principal: z.strictObject({ id: name, roles: z.array(name), org: z.string().max(256) }),
    action: z.strictObject({ kind: name, target: z.string().min(1).max(4096), args_digest: digest }),
    bundle,
    overlay: digest.nullable(),
    policy_hash: digest,
    automata_hash: digest,
    labeler_hash: digest,
    epoch: count,
    verdict,
    effect: z.enum(['allow', 'hold', 'block']),
    mode: modeOrDisabled,
    checks: z.array(z.strictObject({ check: name, verdict })),
    reasons: z.array(
      z.strictObject({ check: name, code: name, clause: name.nullable(), mode, severity: name }),
    ),
    labels: z.strictObject({ session: label }),
    approval: z.string().nullable(),
    break_glass: z.string().nullable(),
    forwarded_digest: digest.optional(),
    secrets_used: secretNames.optional(),
  }),
  z.strictObject({
    type: z.literal('outcome-certificate'),
    ...link,
    certificate_id: digest,
    outcome: z.enum(['done', 'failed', 'ambiguous']),
    result_digest: digest.nullable(),
    label,
    labels: z.strictObject({ session: label }),
    hidden: z.strictObject({ handles: count, label, shown_digest: digest }).optional(),
    exposed: secretNames.optional(),
  }),
  z.strictObject({
    type: z.literal('session-record'),
    ...link,
    kind: z.enum(['open', 'prompt', 'mode', 'epoch', 'bundle', 'tick', 'approval']),
    bundle,
    epoch: count,
    mode: modeOrDisabled,
  }),
] as const;

const secretAccess = z.strictObject({
  type: z.literal('secret-access'),
  ...place,
  continues: digest.nullable(),
  access_id: z.uuid(),
  principal: name,
  action: word,
  secret: z.string().max(256),
  version: z.int().positive().nullable(),
  result: z.enum(['STARTED', 'SUCCESS', 'FAILURE', 'DENIED']),
  error_code: word.nullable(),
  provider: name,
  details_root: digest,
  issued_at: instant,
});

const governedChange = z.strictObject({
  type: z.literal('governed-change'),
  ...place,
  continues: digest.nullable(),
  change_id: z.uuid(),
  kind: z.enum(GOVERNED_CHANGE_KINDS),
  actor: z.enum(['api', 'cli', 'mcp', 'governor']),
  principal: name,
  manifest: digest.nullable(),
  reverts: digest.nullable(),
  verdict: z.enum(['approved', 'blocked']).nullable(),
  error_code: word.nullable(),
  policy: z.strictObject({ digest, version: z.int().positive() }).nullable(),
  tree: z.strictObject({ before: digest, after: digest }).nullable(),
  sandbox: z.strictObject({ rc: z.int(), duration_ms: count, timed_out: z.boolean() }).nullable(),
  commit: z
    .string()
    .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'expected the id of a git object')
    .nullable(),
  details_root: digest,
  issued_at: instant,
});

const schema = z.discriminatedUnion('type', folded);
const chained = z.discriminatedUnion('type', [...folded, secretAccess, governedChange]);

export function payloadTypeOf(statement: ChainedStatement): string {
  return payloadTypes[statement.type];
}

/** The one byte form of a statement: strict RFC 8785, numbers are safe integers. */
export function encodeStatement(statement: ChainedStatement): Uint8Array {
  return strictCanonicalBytes(statement as unknown as JsonValue);
}

/** The statement of an agent's session in a DSSE payload. Unknown fields, another byte form or a payload type that disagrees are refused. */
export function decodeStatement(payloadType: string, payload: Uint8Array): Statement {
  return parseStatement<Statement>(schema, payloadTypes, payloadType, requireCanonical(payload));
}

/** As `decodeStatement`, and it also takes the accesses to secrets and governed changes, which stand in chains of their own. */
export function decodeChained(payloadType: string, payload: Uint8Array): ChainedStatement {
  return parseStatement<ChainedStatement>(chained, payloadTypes, payloadType, requireCanonical(payload));
}

export function statementDigest(crypto: Crypto, payload: Uint8Array): Digest {
  return digestOf(crypto, payload);
}
