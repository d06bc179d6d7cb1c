import type { ScannedStatement } from '@provability-fabric/evidence';
import {
  GOVERNED_CHANGE_KINDS,
  type GovernedChangeStatement,
  type OutcomeCertificate,
  type PermissionCertificate,
  type SecretAccessStatement,
  type SessionRecord,
} from '@provability-fabric/statements';
import { decodeScanned } from './decode-scanned.ts';

/** As much of a statement as counting and selecting needs. */
export type Glance =
  | Pick<
      PermissionCertificate,
      | 'type'
      | 'issued_at'
      | 'certificate_id'
      | 'tenant'
      | 'principal'
      | 'action'
      | 'verdict'
      | 'effect'
      | 'mode'
      | 'reasons'
    >
  | Pick<OutcomeCertificate, 'type' | 'issued_at' | 'certificate_id' | 'outcome'>
  | Pick<SecretAccessStatement, 'type' | 'issued_at' | 'access_id' | 'result'>
  | Pick<GovernedChangeStatement, 'type' | 'issued_at' | 'change_id' | 'kind'>
  | Pick<SessionRecord, 'type' | 'issued_at'>;

const EFFECTS = new Set(['allow', 'hold', 'block']);
const VERDICTS = new Set(['accept', 'hold', 'reject', 'error']);
const MODES = new Set(['shadow', 'monitor', 'enforce']);
const OUTCOMES = new Set(['done', 'failed', 'ambiguous']);
const KINDS: ReadonlySet<unknown> = new Set(GOVERNED_CHANGE_KINDS);
const RESULTS = new Set(['STARTED', 'SUCCESS', 'FAILURE', 'DENIED']);

/**
 * Reads a statement of the log some five times as fast as `decodeScanned`, which proves its form. The bytes are those that
 * the log committed to, so all that is at stake is what a fabric said of itself; `certs verify` holds it to that. A
 * statement that is not plainly what we know goes to the strict reader, which takes it or says what is wrong with it.
 */
export function glance(scanned: Pick<ScannedStatement, 'envelope'>): Glance {
  return read(scanned.envelope) ?? decodeScanned(scanned);
}

type Loose = { readonly [Key in string]?: unknown };

function read(envelope: Uint8Array): Glance | undefined {
  try {
    const { payload } = JSON.parse(text(envelope)) as Loose;
    if (typeof payload !== 'string') return undefined;
    const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as Loose | null;
    return statement !== null && isKnown(statement) ? (statement as unknown as Glance) : undefined;
  } catch {
    return undefined;
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function isKnown(statement: Loose): boolean {
  const { type, issued_at, certificate_id } = statement;
  if (typeof issued_at !== 'string' || issued_at.length !== 24) return false;
  if (type === 'session-record') return true;
  if (type === 'secret-access')
    return typeof statement.access_id === 'string' && RESULTS.has(statement.result as string);
  if (type === 'governed-change') return typeof statement.change_id === 'string' && KINDS.has(statement.kind);
  if (typeof certificate_id !== 'string') return false;
  if (type === 'outcome-certificate') return OUTCOMES.has(statement.outcome as string);
  return type === 'permission-certificate' && isDecision(statement);
}

function isDecision({ tenant, principal, action, verdict, effect, mode, reasons }: Loose): boolean {
  const { id } = (principal ?? {}) as Loose;
  const { kind, target } = (action ?? {}) as Loose;
  return (
    [tenant, id, kind, target].every((name) => typeof name === 'string') &&
    VERDICTS.has(verdict as string) &&
    EFFECTS.has(effect as string) &&
    (mode === 'disabled' || MODES.has(mode as string)) &&
    Array.isArray(reasons) &&
    reasons.every(isReason)
  );
}

function isReason(reason: unknown): boolean {
  const { check, code, clause, mode } = (reason ?? {}) as Loose;
  const named = typeof check === 'string' && typeof code === 'string';
  return named && (clause === null || typeof clause === 'string') && MODES.has(mode as string);
}
