// The kernel's crypto on node:crypto

// Compiled bundles, kept for verifiers
export { type BundleArchive, openBundleArchive, type StoredBundle } from './bundle-archive.ts';
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
export type { LogReading } from './file-log/log-reading.ts';
export { type FileRecordSealer, openRecordSealer } from './file-log/record-sealer.ts';
export type { KeyPurpose } from './keys/key-files.ts';
// Keys in files: checkpoints, statements, tokens
export { type KeyRing, type KeyRingOptions, openKeyRing, rotateKey, type TokenKey } from './keys/key-ring.ts';
export { nodeCrypto } from './node-crypto.ts';
// What goes in and out of it
export type {
  Commit,
  CommitEntry,
  CommitResult,
  Emit,
  EvidenceEvent,
  RecordOpener,
  RecordPlace,
  RecordSeal,
  RecordSealer,
  ScannedStatement,
  SessionHead,
  StoredStatement,
} from './ports.ts';
// Capability tokens
export {
  issueToken,
  MAX_TOKEN_SECONDS,
  type TokenCheck,
  type TokenClaims,
  type TokenRequest,
  verifyToken,
} from './tokens.ts';
