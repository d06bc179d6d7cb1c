// Statements: what a session leaves behind, and their one byte form

// Errors
export { StatementError } from './errors.ts';
// The file that travels to a verifier
export {
  EVIDENCE_FORMAT,
  type EvidenceEntry,
  type EvidenceExport,
  parseEvidenceExport,
} from './evidence-export.ts';
// Decision inputs: everything that `step` read, as a salted Merkle tree
export { type InputRecord, inputOf, inputRecord, inputRoot, parseInputRecord } from './input-record.ts';
export type {
  BundleReference,
  CertifiedReason,
  CheckResult,
  Effect,
  Mode,
  OutcomeCertificate,
  OutcomeKind,
  PermissionCertificate,
  SessionRecord,
  Statement,
  Verdict,
} from './statement.ts';
export { decodeStatement, encodeStatement, payloadTypeOf, statementDigest } from './statement-codec.ts';
