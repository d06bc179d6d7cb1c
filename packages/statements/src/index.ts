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
export type { EvidenceHead } from './evidence-head.ts';
// Facts in chains of their own: accesses to secrets, steps of governed changes
export {
  GOVERNED_CHANGE_KINDS,
  type GovernedChangeDetails,
  type GovernedChangeKind,
  type GovernedChangeStatement,
  parseGovernedChangeDetails,
} from './governed-change.ts';
// Where all sessions of a log end: what heads commit to, and how that is checked
export { type HeadPath, verifyHeadPath } from './head-path.ts';
export {
  bucketOf,
  HEAD_BUCKETS,
  headsRoot,
  type SessionEnd,
  sessionLeaf,
  sessionName,
} from './heads-root.ts';
// Decision inputs: everything that `step` read, as a salted Merkle tree
export {
  type InputRecord,
  inputOf,
  inputRecord,
  inputRoot,
  parseInputRecord,
  type WrittenRecord,
  writeInputRecord,
} from './input-record.ts';
// Statements that stand in no session's chain
export {
  type AccessReceipt,
  type CapabilityTokenRecord,
  type EgressCertificate,
  type HeadStatement,
  type LedgerStatement,
  PLATFORM_TENANT,
  type Revocation,
} from './ledger-statement.ts';
export {
  decodeLedgerStatement,
  encodeLedgerStatement,
  ledgerPayloadTypeOf,
} from './ledger-statement-codec.ts';
export { type ChainEnd, newestSession, type RecordChainName, type SessionHeads } from './newest-session.ts';
export {
  RecordChain,
  type RecordChainOptions,
  type RecordCommit,
  type RecordEntry,
  type Recorded,
  type RecordJournal,
} from './record-chain.ts';
export {
  CHANGES_SESSION_PREFIX,
  isRecordSession,
  parseRecordSession,
  RECORD_SESSION_LENGTH,
  RECORD_SESSION_PREFIXES,
  type RecordPlace,
  type RecordSessionName,
  type RecordSessionPrefix,
  recordSession,
  SECRETS_SESSION_PREFIX,
} from './record-session.ts';
export {
  isRecord,
  isRecordType,
  RECORD_PREFIXES,
  type RecordStatement,
  recordedId,
  recordId,
} from './record-statement.ts';
export {
  MOST_ACCESS_DETAILS,
  parseSecretAccessDetails,
  type SecretAccessDetails,
  type SecretAccessResult,
  type SecretAccessStatement,
} from './secret-access.ts';
// Statements of a session
export type {
  BundleReference,
  CertifiedReason,
  ChainedStatement,
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
export {
  decodeChained,
  decodeStatement,
  encodeStatement,
  payloadTypeOf,
  statementDigest,
} from './statement-codec.ts';
export { type HeadFinding, type HeadProblem, verifyHeads } from './verify-heads.ts';
