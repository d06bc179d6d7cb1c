import {
  base64,
  type Crypto,
  type Digest,
  digestOf,
  fromBase64,
  type JsonObject,
  parseEnvelope,
  parseJsonBytes,
  utf8,
} from '@provability-fabric/kernel';
import { decodeChained, type GovernedChangeStatement, statementDigest } from '@provability-fabric/statements';
import { GovernorError } from '../errors.ts';
import { pythonJson } from './python-json.ts';

/** A line of the view: the original's members, then ours. */
export interface AuditRecord {
  readonly ts: string;
  readonly actor: string;
  readonly manifest_sha256: string | null;
  readonly policy_verdict: 'approved' | 'blocked' | null;
  readonly sandbox_result: {
    readonly rc: number;
    /** The output of tests is nowhere on record. */
    readonly stdout: '';
    readonly stderr: '';
    readonly duration_ms: number;
    readonly timed_out: boolean;
  } | null;
  /** SHA-256 of `prev_root` and the rest of the line. */
  readonly merkle_root: string;
  readonly prev_root: string;
  readonly version: string;
  readonly applied: boolean;
  /** A code. */
  readonly error: string | null;
  /** From 0, the genesis not counted. */
  readonly index: number;
  readonly kind: string;
  readonly change_id: string;
  readonly principal: string;
  readonly reverts: string | null;
  readonly policy: { readonly digest: string; readonly version: number } | null;
  readonly tree: { readonly before: string; readonly after: string } | null;
  readonly commit: string | null;
  /** SHA-256 of the statement's payload. */
  readonly statement_sha256: string;
  /** The DSSE envelope, in base64: all of the line follows from it, its place and the line before. */
  readonly statement: string;
}

const AUDIT_VERSION = '1.0.0';
/** Fixed, so that the view of every replica has the same bytes. */
const GENESIS_TIME = '2025-01-01T00:00:00.000Z';

export interface OpenedChange {
  readonly statement: GovernedChangeStatement;
  readonly digest: Digest;
}

/** The statement in an envelope; throws CHANGE_AUDIT_DAMAGED for any other. */
export function openChange(crypto: Crypto, envelope: Uint8Array): OpenedChange {
  const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
  const bytes = fromBase64(payload);
  const statement = decodeChained(payloadType, bytes);
  if (statement.type !== 'governed-change')
    throw new GovernorError('CHANGE_AUDIT_DAMAGED', `expected a governed change, came a ${statement.type}`);
  return { statement, digest: statementDigest(crypto, bytes) };
}

export function genesisRoot(crypto: Crypto): Digest {
  return digestOf(crypto, utf8('SAFEAI_GENESIS_2025'));
}

export function genesisLine(crypto: Crypto): string {
  return pythonJson({
    ts: GENESIS_TIME,
    event: 'genesis',
    merkle_root: genesisRoot(crypto),
    version: AUDIT_VERSION,
  });
}

/** The first line of a file after a rotation: where the one before it ended. */
export function continuesLine(index: number, root: string): string {
  return pythonJson({ event: 'continues', index, merkle_root: root, version: AUDIT_VERSION });
}

/** What the view has of a change at this place: a function of the envelope, the index and the line before alone. */
export function auditRecord(
  crypto: Crypto,
  envelope: Uint8Array,
  { statement, digest }: OpenedChange,
  place: { readonly index: number; readonly root: string },
): AuditRecord {
  const { kind, manifest, sandbox } = statement;
  const rest = {
    ts: statement.issued_at,
    actor: statement.actor,
    manifest_sha256: manifest,
    policy_verdict: statement.verdict,
    sandbox_result: sandbox === null ? null : ({ ...sandbox, stdout: '', stderr: '' } as const),
    prev_root: place.root,
    version: AUDIT_VERSION,
    applied: kind === 'change-applied' || kind === 'rollback-applied',
    error: statement.error_code,
    index: place.index,
    kind,
    change_id: statement.change_id,
    principal: statement.principal,
    reverts: statement.reverts,
    policy: statement.policy,
    tree: statement.tree,
    commit: statement.commit,
    statement_sha256: digest,
    statement: base64(envelope),
  };
  return { ...rest, merkle_root: rootAfter(crypto, place.root, rest) };
}

/** SHA-256 of the root before and of the record without its own. */
export function rootAfter(crypto: Crypto, root: string, rest: JsonObject): Digest {
  return digestOf(crypto, utf8(`${root}${pythonJson(rest)}`));
}

export function auditLine(record: AuditRecord): string {
  return pythonJson(record as unknown as JsonObject);
}
