import { CommandError } from '@provability-fabric/command-line';
import { nodeCrypto, openKeyRing, type ScannedStatement } from '@provability-fabric/evidence';
import {
  concatBytes,
  EnvelopeError,
  hex,
  leafHash,
  openEnvelope,
  parseEnvelope,
  parseJsonBytes,
  verifyInclusion,
} from '@provability-fabric/kernel';
import { type ChainedStatement, recordId } from '@provability-fabric/statements';
import type { DataFolder } from './data-folder.ts';
import { decodeScanned } from './decode-scanned.ts';
import { type Glance, glance } from './glance.ts';
import { openLog } from './open-log.ts';

/** One statement, what came of it, and how far it could be checked. */
export interface FoundCertificate {
  readonly statement: ChainedStatement;
  /**
   * The outcome certificate of a permission certificate, or what came of a change of a secret or of a tree; null: none yet, or none to
   * come.
   */
  readonly outcome: ChainedStatement | null;
  readonly log: { readonly origin: string; readonly index: number; readonly size: number };
  /** SHA-256 of the payload: what the session's next statement names as `previous`. */
  readonly digest: string;
  readonly signature: {
    readonly verified: boolean;
    readonly keyid: string | null;
    readonly problem: string | null;
  };
  readonly inclusion: { readonly verified: boolean; readonly leaf: string; readonly root: string };
}

/**
 * By certificate id, access id, change id or digest of the statement, or the beginning of an id, of 8 digits or more; or by place:
 * `session#seq`.
 */
type Wanted = { readonly id: string } | { readonly session: string; readonly seq: number };

export async function findCertificate(
  folder: DataFolder,
  name: string,
  tenant: string | undefined,
): Promise<FoundCertificate> {
  const wanted = parseName(name);
  const log = await openLog(folder);
  const found: ScannedStatement[] = [];
  let outcome: ScannedStatement | undefined;
  for await (const scanned of log.scan()) {
    if (tenant !== undefined && scanned.tenant !== tenant) continue;
    if (!('id' in wanted) && scanned.session !== wanted.session) continue;
    const seen = glance(scanned);
    const { type, certificate_id } = { certificate_id: '', ...seen };
    const fact = factIn(seen);
    if (type === 'outcome-certificate' && found.some((one) => isOutcomeOf(certificate_id, scanned, one)))
      outcome ??= scanned;
    // The first of an access or a change says what was asked for, the last what came of it.
    if (fact !== undefined && found.some((one) => isSameFact(fact, scanned, one))) {
      outcome = copyOf(scanned);
      continue;
    }
    const ids = type === 'permission-certificate' ? certificate_id : (fact?.id ?? '');
    const fits =
      'id' in wanted
        ? (ids !== '' && ids.startsWith(wanted.id)) || scanned.digest === wanted.id
        : scanned.seq === wanted.seq;
    if (!fits) continue;
    found.push(copyOf(scanned));
    if (found.length > MOST_FOUND) break;
  }
  const one = theOnly(found, name, log.freed);

  const crypto = nodeCrypto();
  const { size, root } = log.checkpoint();
  const data = crypto.sha256(concatBytes(one.salt, one.envelope));
  const claim = {
    index: one.index,
    size,
    leaf: leafHash(crypto, data),
    proof: log.inclusionProof(one.index, size),
    root,
  };
  return {
    statement: decodeScanned(one),
    outcome: outcome === undefined ? null : decodeScanned(outcome),
    log: { origin: folder.origin, index: one.index, size },
    digest: one.digest,
    signature: await checkSignature(folder, one),
    inclusion: { verified: verifyInclusion(crypto, claim).ok, leaf: hex(data), root: hex(root) },
  };
}

const MOST_FOUND = 8;

/** The bytes of a scanned statement belong to a segment that would otherwise stay in memory as a whole. */
function copyOf(scanned: ScannedStatement): ScannedStatement {
  return { ...scanned, envelope: scanned.envelope.slice(), salt: scanned.salt.slice() };
}

function parseName(name: string): Wanted {
  const place = /^(.{1,128})#(\d{1,15})$/s.exec(name);
  if (place !== null) return { session: place[1] as string, seq: Number(place[2]) };
  if (/^[0-9a-f]{8}(?:[0-9a-f]{0,56}|-[0-9a-f-]{0,27})$/.test(name)) return { id: name };
  throw new CommandError(
    'INPUT_INVALID',
    `expected a certificate id (8 or more of its hex digits), an access or change id, a digest, or SESSION#SEQ, came \`${name.slice(0, 200)}\``,
  );
}

function isOutcomeOf(id: string, outcome: ScannedStatement, one: ScannedStatement): boolean {
  if (outcome.tenant !== one.tenant || outcome.session !== one.session) return false;
  const { type, certificate_id } = { certificate_id: '', ...glance(one) };
  return type === 'permission-certificate' && certificate_id === id;
}

interface Fact {
  readonly type: string;
  readonly id: string;
}

function factIn(seen: Glance): Fact | undefined {
  const { type } = seen;
  if (type !== 'secret-access' && type !== 'governed-change') return undefined;
  return { type, id: recordId(seen) };
}

function isSameFact({ type, id }: Fact, other: ScannedStatement, one: ScannedStatement): boolean {
  const first = factIn(glance(one));
  return other.tenant === one.tenant && first?.type === type && first.id === id;
}

function theOnly(found: readonly ScannedStatement[], name: string, freed: number): ScannedStatement {
  const [one, ...others] = found;
  if (one === undefined) {
    const elsewhere = freed === 0 ? '' : `; the first ${freed} statements are in the ledger alone`;
    throw new CommandError(
      'INPUT_INVALID',
      `expected a certificate of the log, came \`${name}\`; pfctl certs list shows them${elsewhere}`,
    );
  }
  if (others.length === 0) return one;
  const places = found.map(({ tenant, session, seq }) => `${session}#${seq} of ${tenant}`).join(', ');
  throw new CommandError(
    'INPUT_INVALID',
    `expected one certificate, came ${places}; give more digits, or --tenant`,
  );
}

async function checkSignature(
  { keys, origin }: DataFolder,
  { envelope }: ScannedStatement,
): Promise<FoundCertificate['signature']> {
  const crypto = nodeCrypto();
  const ring = await openKeyRing(keys, { origin, create: false, crypto });
  try {
    const { keyid } = openEnvelope(crypto, parseEnvelope(parseJsonBytes(envelope)), ring.evidenceKeys());
    return { verified: true, keyid, problem: null };
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    return { verified: false, keyid: null, problem: error.message };
  }
}
