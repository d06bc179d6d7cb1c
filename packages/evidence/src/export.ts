import {
  base64,
  canonicalBytes,
  type Digest,
  equalBytes,
  fromBase64,
  type JsonObject,
  type JsonValue,
  MAX_JSON_DEPTH,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  type ChainedStatement,
  decodeChained,
  EVIDENCE_FORMAT,
  type EvidenceEntry,
  type EvidenceExport,
  isRecord,
  parseInputRecord,
  recordId,
} from '@provability-fabric/statements';
import { EvidenceError } from './errors.ts';
import type { PublishedCheckpoint } from './file-log/checkpoint-file.ts';
import type { LogReading } from './file-log/log-reading.ts';
import type { HeadProver } from './heads/head-prover.ts';
import type { StoredStatement } from './ports.ts';

/** Whole sessions only: a verdict can be derived again only from all that its session did before. */
export type ExportSelection =
  | { readonly tenant: string; readonly session?: string }
  /** The sessions in which these certificates are, and the accesses to secrets and governed changes of these ids. */
  | { readonly tenant: string; readonly certificates: readonly string[] };

export interface ExportOptions {
  /** The compiled bundle of a digest, as an archive has it. */
  readonly bundles: (digest: Digest) => Promise<JsonObject> | JsonObject;
  /** A checkpoint that the verifier kept: the export then proves that nothing before it was changed. */
  readonly oldCheckpoint?: string;
  /** With it the export also proves that its sessions go no further than they do. */
  readonly head?: HeadProver;
}

/** One file for `pf-verify`: the statements of the sessions, each with its proof under one checkpoint. */
export async function exportEvidence(
  log: LogReading,
  selection: ExportSelection,
  options: ExportOptions,
): Promise<{ readonly evidence: EvidenceExport; readonly bytes: Uint8Array }> {
  const { tenant } = selection;
  const sessions = await selectSessions(log, selection);
  // Published after the last commit that is exported and before its proofs are computed, so it covers them
  // all.
  const stored: StoredStatement[] = [];
  for (const session of sessions) {
    for await (const statement of log.readSession(tenant, session)) stored.push(statement);
  }
  if (stored.some(({ index }) => index < 0)) {
    throw missing(
      'all statements of the sessions, but another fabric decided some; export them from the ledger',
    );
  }
  stored.sort((a, b) => a.index - b.index);
  const checkpoint = await log.flush();
  const entries: EvidenceEntry[] = [];
  const digests = new Set<Digest>();
  for (const statement of stored) {
    entries.push(entryOf(log, checkpoint, statement));
    const decoded = decode(statement);
    if ('bundle' in decoded) digests.add(decoded.bundle.digest);
  }
  const bundles: JsonObject[] = [];
  for (const digest of digests) bundles.push(await options.bundles(digest));
  const evidence: EvidenceExport = {
    format: EVIDENCE_FORMAT,
    checkpoint: checkpoint.note,
    consistency: consistencyWith(log, checkpoint, options.oldCheckpoint),
    entries,
    ...(options.head === undefined ? {} : { head: options.head.prove(entries) }),
    bundles,
  };
  return { evidence, bytes: canonicalBytes(evidence as unknown as JsonValue) };
}

async function selectSessions(log: LogReading, selection: ExportSelection): Promise<readonly string[]> {
  const { tenant } = selection;
  if ('certificates' in selection) return sessionsWith(log, tenant, selection.certificates);
  const { session } = selection;
  const selected =
    session === undefined ? log.sessions(tenant) : log.head(tenant, session) === undefined ? [] : [session];
  if (selected.length > 0) return selected;
  throw missing(
    session === undefined ? `tenant \`${tenant}\`` : `session \`${session}\` of tenant \`${tenant}\``,
  );
}

async function sessionsWith(
  log: LogReading,
  tenant: string,
  certificates: readonly string[],
): Promise<string[]> {
  const wanted = new Set(certificates);
  const absent = new Set(certificates);
  const sessions = new Set<string>();
  for await (const scanned of log.scan()) {
    if (wanted.size === 0) break;
    // Another tenant's certificate is as absent as one that never was.
    if (scanned.tenant !== tenant) continue;
    const statement = decode(scanned);
    const id = idOf(statement);
    if (id === undefined || !wanted.has(id)) continue;
    sessions.add(scanned.session);
    absent.delete(id);
    // What came of an access or a change is another statement of its id, and may lie in the session after.
    if (!isRecord(statement)) wanted.delete(id);
  }
  const [first] = absent;
  if (first !== undefined) throw missing(`certificate \`${first}\` of tenant \`${tenant}\``);
  return [...sessions];
}

function idOf(statement: ChainedStatement): string | undefined {
  if (statement.type === 'permission-certificate') return statement.certificate_id;
  return isRecord(statement) ? recordId(statement) : undefined;
}

function decode({ envelope }: { readonly envelope: Uint8Array }): ChainedStatement {
  const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
  return decodeChained(payloadType, fromBase64(payload));
}

function entryOf(log: LogReading, checkpoint: PublishedCheckpoint, stored: StoredStatement): EvidenceEntry {
  const { index, envelope, salt, record } = stored;
  return {
    index,
    envelope: parseEnvelope(parseJsonBytes(envelope)),
    salt: base64(salt),
    inclusion: log.inclusionProof(index, checkpoint.size).map(base64),
    record: record === null ? null : parseInputRecord(parseJsonBytes(record, { maxDepth: MAX_JSON_DEPTH })),
  };
}

function consistencyWith(
  log: LogReading,
  checkpoint: PublishedCheckpoint,
  note: string | undefined,
): EvidenceExport['consistency'] {
  if (note === undefined) return null;
  const old = log.openCheckpoint(note);
  const known = old.size > 0 && old.size <= checkpoint.size;
  if (!known || !equalBytes(old.root, log.rootAt(old.size))) {
    throw missing(
      `the old checkpoint of size ${old.size}: this log, of size ${checkpoint.size}, is not a continuation of it`,
    );
  }
  return { old_checkpoint: note, proof: log.consistencyProof(old.size, checkpoint.size).map(base64) };
}

function missing(what: string): EvidenceError {
  return new EvidenceError(
    'NOT_IN_LOG',
    `expected the log to hold ${what}; check the name, or the data folder`,
  );
}
