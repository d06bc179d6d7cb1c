import {
  asTenantId,
  type Crypto,
  canonicalBytes,
  type Digest,
  digestOf,
  type EnvelopeSigner,
  type JsonObject,
  sealedEnvelopeBytes,
} from '@provability-fabric/kernel';
import {
  decodeChained,
  encodeStatement,
  type GovernedChangeDetails,
  type GovernedChangeStatement,
  payloadTypeOf,
  type RecordEntry,
  type RecordPlace,
  statementDigest,
  writeInputRecord,
} from '@provability-fabric/statements';
import { GovernorError } from '../errors.ts';
import type { ChangeEvent } from './change-event.ts';

export interface ChangeWriting {
  readonly crypto: Crypto;
  /** Of the evidence key: statements are signed when they are made. */
  readonly signer: EnvelopeSigner;
  /** Bytes of the operating system's generator. */
  readonly random: (length: number) => Uint8Array;
  readonly tenant: string;
}

const MAX_PRINCIPAL = 255;
const MAX_DETAIL = 1_000;
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Control characters, and halves of a surrogate pair: no UTF-8 has them, and no line should. */
const UNSTORABLE = /[\p{Cc}\p{Cs}]/gu;

/**
 * The event in a form that the log takes: what one caller sends must not fail the others of its group. Texts for people may
 * come from a client, so they are cut and cleaned; all else is the governor's own, and throws CHANGE_AUDIT_UNAVAILABLE.
 */
export function recordable(writing: ChangeWriting, event: ChangeEvent): ChangeEvent {
  const { id, at, principal, detail } = event;
  if (!ID.test(id)) throw unrecordable('an id that is a UUID in lowercase');
  if (!Number.isSafeInteger(at) || at < 0 || at > Date.UTC(2200, 0, 1))
    throw unrecordable('a time in ms since 1970');
  if (principal === '') throw unrecordable('a principal');
  const given = {
    ...event,
    principal: cleaned(principal, MAX_PRINCIPAL),
    detail: detail === null ? null : cleaned(detail, MAX_DETAIL),
  };
  requireReadable(writing, given);
  return given;
}

/** Throws CHANGE_AUDIT_UNAVAILABLE for a tenant that no chain can belong to. */
export function requireTenant(tenant: string): string {
  try {
    return asTenantId(tenant);
  } catch (cause) {
    throw new GovernorError('CHANGE_AUDIT_UNAVAILABLE', 'expected a tenant that a token can name', { cause });
  }
}

/** One event as a signed statement with its salted record, ready to commit. */
export function writeChange(writing: ChangeWriting, place: RecordPlace, event: ChangeEvent): RecordEntry {
  const { crypto, signer, random } = writing;
  const details = detailsOf(event) as unknown as JsonObject;
  const { bytes: record, root } = writeInputRecord(crypto, details, random);
  const statement = statementOf(writing, place, event, root);
  const payload = encodeStatement(statement);
  return {
    seq: place.seq,
    digest: statementDigest(crypto, payload),
    envelope: sealedEnvelopeBytes(payloadTypeOf(statement), payload, [signer]),
    salt: random(32),
    record,
  };
}

const ANYWHERE: RecordPlace = { session: 'anywhere', seq: 0, previous: null, continues: null };

/** What no reader would take must neither fail the others of its group nor stand in a chain for ever. */
function requireReadable(writing: ChangeWriting, event: ChangeEvent): void {
  try {
    const root = digestOf(writing.crypto, canonicalBytes(detailsOf(event) as unknown as JsonObject));
    const statement = statementOf(writing, ANYWHERE, event, root);
    decodeChained(payloadTypeOf(statement), encodeStatement(statement));
  } catch (cause) {
    throw new GovernorError('CHANGE_AUDIT_UNAVAILABLE', 'expected an event of a form that goes on record', {
      cause,
    });
  }
}

function statementOf(
  { tenant }: ChangeWriting,
  { session, seq, previous, continues }: RecordPlace,
  event: ChangeEvent,
  root: Digest,
): GovernedChangeStatement {
  const { policy, tree, sandbox } = event;
  return {
    type: 'governed-change',
    tenant,
    session,
    seq,
    previous,
    continues,
    change_id: event.id,
    kind: event.kind,
    actor: event.actor,
    principal: event.principal,
    manifest: event.manifest,
    reverts: event.reverts,
    verdict: event.verdict,
    error_code: event.errorCode,
    policy: policy && { digest: policy.digest, version: policy.version },
    tree: tree && { before: tree.before, after: tree.after },
    sandbox: sandbox && {
      rc: sandbox.rc,
      duration_ms: whole(sandbox.duration_ms),
      timed_out: sandbox.timed_out,
    },
    commit: event.commit,
    details_root: root,
    issued_at: new Date(event.at).toISOString(),
  };
}

function detailsOf(event: ChangeEvent): GovernedChangeDetails {
  const { sandbox } = event;
  return {
    change_id: event.id,
    detail: event.detail,
    idempotency_key: event.idempotencyKey,
    output_digest: event.outputDigest,
    files: event.files.map(({ path, before, after }) => ({
      path,
      before: before && { digest: before.digest, mode: before.mode },
      after: after && { digest: after.digest, mode: after.mode },
    })),
    signers: event.signers.map(({ keyId, role }) => ({ key_id: keyId, role })),
    sandbox: sandbox && {
      commands: sandbox.commands,
      duration_ms: whole(sandbox.duration_ms),
      end: sandbox.end,
      engine: sandbox.engine,
      rc: sandbox.rc,
      stderr_bytes: sandbox.stderr_bytes,
      stdout_bytes: sandbox.stdout_bytes,
      tier: sandbox.tier,
      timed_out: sandbox.timed_out,
    },
  };
}

function whole(ms: number): number {
  return Math.max(0, Math.round(ms));
}

function cleaned(text: string, most: number): string {
  return text.slice(0, most).replace(UNSTORABLE, '\u{FFFD}');
}

function unrecordable(expected: string): GovernorError {
  return new GovernorError(
    'CHANGE_AUDIT_UNAVAILABLE',
    `expected an event to be put on record to have ${expected}`,
  );
}
