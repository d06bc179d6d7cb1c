import {
  type Envelope,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseEnvelope,
} from '@provability-fabric/kernel';
import { type EvidenceHead, parseEvidenceHead } from './evidence-head.ts';
import { fail, hash, hashes, index, list, members, text } from './export-members.ts';
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
  /** Absent where none was at hand: then nothing in the file says that a session goes no further. */
  readonly head?: EvidenceHead;
  /** Every compiled bundle that an entry names, once. */
  readonly bundles: readonly JsonObject[];
}

/** Parses an evidence file from untrusted JSON. Refuses unknown members by name. */
export function parseEvidenceExport(value: JsonValue): EvidenceExport {
  const top = members(
    value,
    ['format', 'checkpoint', 'consistency', 'entries', 'bundles'],
    'the evidence file',
    ['head'],
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
      proof: hashes(consistency.proof, 'the consistency proof', 'a consistency hash'),
    },
    entries: list(top.entries, 'entries').map((item, position) => {
      const where = `entry ${position}`;
      const entry = members(item, ['index', 'envelope', 'salt', 'inclusion', 'record'], where);
      return {
        index: index(entry.index, `${where} to have an index`),
        envelope: parseEnvelope(entry.envelope as JsonValue),
        salt: hash(entry.salt, `the salt of ${where}`),
        inclusion: hashes(entry.inclusion, `the inclusion path of ${where}`, `an inclusion hash of ${where}`),
        record: entry.record === null ? null : parseInputRecord(entry.record as JsonValue),
      };
    }),
    ...(top.head === undefined ? {} : { head: parseEvidenceHead(top.head) }),
    bundles: list(top.bundles, 'bundles').map((bundle) =>
      isJsonObject(bundle) ? bundle : fail('a bundle to be an object'),
    ),
  };
}
