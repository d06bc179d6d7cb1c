// The kernel's crypto on node:crypto

// Compiled bundles, kept for verifiers
export {
  type ArchivedBundle,
  type BundleArchive,
  openBundleArchive,
  type StoredBundle,
} from './bundle-archive.ts';
// One process per data folder
export { type DataFolderLock, lockDataFolder } from './data-folder-lock.ts';
// Errors
export { EvidenceError, type EvidenceErrorCode } from './errors.ts';
// The file that travels to a verifier
export { type ExportOptions, type ExportSelection, exportEvidence } from './export.ts';
export type { PublishedCheckpoint } from './file-log/checkpoint-file.ts';
// The journal that is a tile log
export {
  type FileLog,
  type FileLogOptions,
  type FileLogReader,
  type FileLogReaderOptions,
  openFileLog,
  readFileLog,
} from './file-log/file-log.ts';
export { readLogId } from './file-log/log-id.ts';
export type { LogReading } from './file-log/log-reading.ts';
export { type FileRecordSealer, openRecordSealer } from './file-log/record-sealer.ts';
// Signed heads: where all sessions of the log end
export { type HeadProver, openHeadProver } from './heads/head-prover.ts';
export { createHeads, type Heads, type HeadsOptions } from './heads/heads.ts';
export { type KeptHead, readKeptHeads } from './heads/kept-heads.ts';
export { sessionEndsAt } from './heads/session-ends.ts';
export type { KeyPurpose } from './keys/key-files.ts';
// Keys in files: checkpoints, statements, tokens
export { type KeyRing, type KeyRingOptions, openKeyRing, rotateKey, type TokenKey } from './keys/key-ring.ts';
export { readLogName } from './keys/log-name.ts';
// The ledger that file logs are shipped into
export { readCheckpoint, signCheckpoint } from './ledger/ledger-checkpoint.ts';
export { edgeOf, type LedgerTree, openLedgerTree, type TreeTile } from './ledger/ledger-tree.ts';
export type { LedgerAppended, LedgerBatch, LedgerEntry, LedgerWriter } from './ledger/ports.ts';
export { nodeCrypto } from './node-crypto.ts';
// What goes in and out of it
export type {
  ArchivedStatement,
  Commit,
  CommitEntry,
  CommitResult,
  Emit,
  EvidenceEvent,
  LogEntry,
  RecordOpener,
  RecordPlace,
  RecordSeal,
  RecordSealer,
  ScannedStatement,
  SessionArchive,
  SessionHead,
  StoredStatement,
} from './ports.ts';
// Carrying the journal into the ledger
export { createShipper, type Shipper, type ShipperOptions } from './shipping/shipper.ts';
// Capability tokens
export {
  issueToken,
  MAX_TOKEN_SECONDS,
  type TokenCheck,
  type TokenClaims,
  type TokenRequest,
  verifyToken,
} from './tokens.ts';
