import {
  type Envelope,
  fromBase64,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseEnvelope,
} from '@provability-fabric/kernel';
import { StatementError } from './errors.ts';
import { type InputRecord, parseInputRecord } from './input-record.ts';

export const EVIDENCE_FORMAT = 'provability-fabric/evidence/v1';

/** One log entry as a verifier needs it: leaf = SHA-256(salt ‖ envelope), at `index`, proven by `inclusion`. */
export interface EvidenceEntry {
  readonly index: number;
  readonly envelope: Envelope;
  /** Base64 of 32 bytes. */
  readonly salt: string;
  /** Base64 hashes of the RFC 6962 inclusion path under the export's checkpoint. */
  readonly inclusion: readonly string[];
  /** The decision input, where it is still kept; null where it was erased. */
  readonly record: InputRecord | null;
}

/** The file that `pf-verify` checks: nothing in it is trusted, and every member is covered by some check. */
export interface EvidenceExport {
  readonly format: typeof EVIDENCE_FORMAT;
  /** A signed note. */
  readonly checkpoint: string;
  /** Proof that `checkpoint` extends an earlier one that the verifier kept; null where none was asked for. */
  readonly consistency: { readonly old_checkpoint: string; readonly proof: readonly string[] } | null;
  readonly entries: readonly EvidenceEntry[];
  /** Every compiled bundle that an entry names, once. */
  readonly bundles: readonly JsonObject[];
}

function fail(what: string): never {
  throw new StatementError('EXPORT_MALFORMED', `expected ${what}`);
}

function members(value: JsonValue | undefined, names: readonly string[], what: string): JsonObject {
  if (!isJsonObject(value)) fail(`${what} to be an object`);
  const keys = Object.keys(value);
  for (const key of keys) if (!names.includes(key)) fail(`no member \`${key}\` in ${what}`);
  for (const name of names) if (!keys.includes(name)) fail(`member \`${name}\` in ${what}`);
  return value;
}

function text(value: JsonValue | undefined, what: string): string {
  return typeof value === 'string' ? value : fail(`${what} to be text`);
}

function list(value: JsonValue | undefined, what: string): readonly JsonValue[] {
  return Array.isArray(value) ? value : fail(`${what} to be a list`);
}

function hash(value: JsonValue, what: string): string {
  const encoded = text(value, what);
  if (fromBase64(encoded).length !== 32) fail(`${what} to be 32 bytes in base64`);
  return encoded;
}

/** Parses an evidence file from untrusted JSON. Refuses unknown members by name. */
export function parseEvidenceExport(value: JsonValue): EvidenceExport {
  const top = members(
    value,
    ['format', 'checkpoint', 'consistency', 'entries', 'bundles'],
    'the evidence file',
  );
  if (top.format !== EVIDENCE_FORMAT) fail(`format \`${EVIDENCE_FORMAT}\``);
  const consistency =
    top.consistency === null
      ? null
      : members(top.consistency, ['old_checkpoint', 'proof'], 'the consistency proof');
  return {
    format: EVIDENCE_FORMAT,
    checkpoint: text(top.checkpoint, 'the checkpoint'),
    consistency: consistency && {
      old_checkpoint: text(consistency.old_checkpoint, 'the old checkpoint'),
      proof: list(consistency.proof, 'the consistency proof').map((h) => hash(h, 'a consistency hash')),
    },
    entries: list(top.entries, 'entries').map((item, position) => {
      const where = `entry ${position}`;
      const entry = members(item, ['index', 'envelope', 'salt', 'inclusion', 'record'], where);
      if (!Number.isSafeInteger(entry.index) || (entry.index as number) < 0)
        fail(`${where} to have an index`);
      return {
        index: entry.index as number,
        envelope: parseEnvelope(entry.envelope as JsonValue),
        salt: hash(entry.salt as JsonValue, `the salt of ${where}`),
        inclusion: list(entry.inclusion, `the inclusion path of ${where}`).map((h) =>
          hash(h, `an inclusion hash of ${where}`),
        ),
        record: entry.record === null ? null : parseInputRecord(entry.record as JsonValue),
      };
    }),
    bundles: list(top.bundles, 'bundles').map((bundle) =>
      isJsonObject(bundle) ? bundle : fail('a bundle to be an object'),
    ),
  };
}
