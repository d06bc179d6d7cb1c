import type { RecordSealer } from '@provability-fabric/evidence';
import {
  base64,
  type Crypto,
  concatBytes,
  type Digest,
  equalBytes,
  field,
  type JsonObject,
  type JsonValue,
  leafHash,
  MAX_JSON_DEPTH,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  EVIDENCE_FORMAT,
  type EvidenceEntry,
  type EvidenceExport,
  parseInputRecord,
  RECORD_SESSION_PREFIXES,
} from '@provability-fabric/statements';
import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { corrupt, openStored } from './envelope.ts';
import { requireName } from './name.ts';
import type { BundleSource } from './ports.ts';
import { readInclusions } from './proofs.ts';
import { type LedgerScope, readIn } from './scope.ts';

/** A verdict can be derived again only from all that its session did before, so that is what the file holds. */
const MOST_ENTRIES = 5_000;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_SEQ = Number.MAX_SAFE_INTEGER;
const TIMEOUT_MS = 15_000;

export interface EvidenceSources {
  readonly database: Database;
  readonly crypto: Crypto;
  readonly opener: Pick<RecordSealer, 'opener'> | null;
  readonly bundles: BundleSource | null;
}

interface StoredEntry {
  readonly index: number;
  readonly tenant: string;
  readonly session: string | null;
  readonly seq: number | null;
  readonly digest: Uint8Array;
  readonly envelope: Uint8Array | null;
  readonly salt: Uint8Array | null;
  readonly sealed: Uint8Array | null;
}

interface Proven {
  readonly checkpoint: string;
  readonly stored: readonly StoredEntry[];
  readonly entries: readonly Omit<EvidenceEntry, 'record'>[];
  readonly bundles: readonly Digest[];
}

/** Null for what the scope does not hold, or holds no longer. */
export async function readEvidence(
  { database, crypto, opener, bundles }: EvidenceSources,
  scope: LedgerScope,
  id: string,
): Promise<JsonValue | null> {
  requireName(id, 'a certificate id, receipt id, access id, change id or digest');
  const proven = await readIn(database, scope, (tx) => prove(crypto, tx, id), TIMEOUT_MS);
  if (proven === null) return null;
  const entries: EvidenceEntry[] = [];
  for (const [position, entry] of proven.entries.entries()) {
    entries.push({ ...entry, record: await openRecord(opener, proven.stored[position] as StoredEntry) });
  }
  const named: JsonObject[] = [];
  for (const digest of proven.bundles) {
    const bundle = await bundles?.(digest);
    if (bundle !== undefined) named.push(bundle);
  }
  const file: EvidenceExport = {
    format: EVIDENCE_FORMAT,
    checkpoint: proven.checkpoint,
    consistency: null,
    entries,
    bundles: named,
  };
  return file as unknown as JsonValue;
}

async function prove(crypto: Crypto, tx: Transaction, id: string): Promise<Proven | null> {
  const digest = /^[0-9a-f]{64}$/.test(id) ? Buffer.from(id, 'hex') : null;
  const [state] = await tx.query<{ size: number; checkpoint: string }>(
    'select size, checkpoint from pf.log_state',
  );
  if (state === undefined) return null;
  const { size, checkpoint } = state;
  const [weight] = await tx.query<{ rows: number; bytes: number }>(
    `${WANTED} select count(*) as rows,
       coalesce(sum(coalesce(octet_length(s.envelope), 0) + coalesce(octet_length(s.sealed_record), 0)), 0)::bigint as bytes
     from wanted join pf.statements s on s.log_index = wanted.log_index`,
    [id, digest, size],
  );
  if (weight === undefined || weight.rows === 0) return null;
  if (weight.rows > MOST_ENTRIES || weight.bytes > MOST_BYTES) {
    throw new LedgerError(
      'BAD_QUERY',
      `expected a session of at most ${MOST_ENTRIES} statements and 64 MiB up to there; export longer ones with ` +
        '`pfctl certs export` on their host',
    );
  }
  const stored = await tx.query<StoredEntry>(
    `${WANTED} select s.log_index as index, s.tenant, s.session, s.seq, s.digest, s.envelope, s.salt,
       s.sealed_record as sealed
     from wanted join pf.statements s on s.log_index = wanted.log_index order by s.log_index`,
    [id, digest, size],
  );
  const leaves = await readInclusions(
    crypto,
    tx,
    stored.map(({ index }) => index),
    size,
  );
  const entries: Omit<EvidenceEntry, 'record'>[] = [];
  const bundles = new Set<Digest>();
  for (const [position, { index, digest, envelope: bytes, salt }] of stored.entries()) {
    if (bytes === null || salt === null) return null;
    const { leaf, path } = leaves[position] as (typeof leaves)[number];
    if (!equalBytes(leaf, leafHash(crypto, crypto.sha256(concatBytes(salt, bytes))))) {
      throw corrupt(`the statement at index ${index} is not the one in the log`);
    }
    const { envelope, statement } = openStored(crypto, index, bytes, digest);
    entries.push({ index, envelope, salt: base64(salt), inclusion: path.map(base64) });
    const bundle = field(field(statement, 'bundle') ?? null, 'digest');
    if (typeof bundle === 'string') bundles.add(bundle as Digest);
  }
  return { checkpoint, stored, entries, bundles: [...bundles] };
}

/**
 * $1 id, $2 digest or null, $3 size: what was asked for, and its sessions from their openings up to there; sessions of
 * facts as a whole, since the next one begins where they end.
 */
const IS_RECORD = RECORD_SESSION_PREFIXES.map((prefix) => `starts_with(session, '${prefix}')`).join(' or ');

const WANTED = `
  with named as materialized (
    select log_index, tenant, session, seq from pf.statements where id = $1 and log_index < $3
    union select log_index, tenant, session, seq from pf.statements where digest = $2 and log_index < $3
    limit ${MOST_ENTRIES + 1}
  ),
  ends as materialized (
    select tenant, session, max(case when ${IS_RECORD} then ${MOST_SEQ} else seq end) as seq
    from named where session is not null group by tenant, session
  ),
  wanted as materialized (
    select log_index from named where session is null
    union all
    (select s.log_index from ends join pf.statements s
       on s.tenant = ends.tenant and s.session = ends.session and s.seq <= ends.seq and s.log_index < $3
     limit ${MOST_ENTRIES + 1})
  )`;

async function openRecord(
  openers: Pick<RecordSealer, 'opener'> | null,
  entry: StoredEntry,
): Promise<EvidenceEntry['record']> {
  const { tenant, session, seq, sealed } = entry;
  if (openers === null || sealed === null || session === null || seq === null) return null;
  const open = await openers.opener(tenant);
  const record = open({ tenant, session, seq }, new Uint8Array(sealed));
  return record === null ? null : parseInputRecord(parseJsonBytes(record, { maxDepth: MAX_JSON_DEPTH }));
}
