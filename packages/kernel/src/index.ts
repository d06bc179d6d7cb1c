// JSON values: reading, the canonical form, relaying, access

export { base64, fromBase64 } from './bytes/base64.ts';
export { concatBytes, equalBytes } from './bytes/concat.ts';
export { fromHex, hex } from './bytes/hex.ts';
// bytes and their text forms
export { fromUtf8, utf8 } from './bytes/utf8.ts';
// the crypto port, digests, Ed25519 guards
export type { Crypto } from './digest/crypto.ts';
export type { Digest } from './digest/digest.ts';
export { asDigest, digestJson, digestOf } from './digest/digest.ts';
export { ed25519PublicKeyProblem, verifySignature } from './digest/ed25519.ts';
export type { Envelope, EnvelopeSignature, EnvelopeSigner } from './envelope/envelope.ts';
export {
  envelopeBytes,
  openEnvelope,
  parseEnvelope,
  sealEnvelope,
  sealedEnvelopeBytes,
} from './envelope/envelope.ts';
// DSSE envelopes
export { preAuthEncoding } from './envelope/pre-auth-encoding.ts';
export type { JsonErrorCode } from './errors.ts';
// errors
export {
  BytesError,
  CheckpointError,
  EnvelopeError,
  IdError,
  JsonError,
  LabelError,
  MerkleError,
  NoteError,
} from './errors.ts';
export type { CertificateId, ClauseId, PrincipalId, SessionId, TenantId, ToolName } from './ids.ts';
// branded identifiers
export {
  asCertificateId,
  asClauseId,
  asPrincipalId,
  asSessionId,
  asTenantId,
  asToolName,
} from './ids.ts';
export {
  canonicalBytes,
  canonicalJson,
  requireCanonical,
  strictCanonicalBytes,
  stringifyJson,
} from './json/canonical.ts';
export { CanonicalWriter } from './json/canonical-writer.ts';
export type { ParseOptions } from './json/parse.ts';
export { parseJson, parseJsonBytes } from './json/parse.ts';
export { parsePointer, readPointer } from './json/pointer.ts';
export type { JsonObject, JsonValue } from './json/value.ts';
export { field, isJsonObject, MAX_JSON_DEPTH } from './json/value.ts';
export type { Integrity, Label, Level } from './label/label.ts';
// the label lattice
export { BOTTOM, equalLabels, flowsTo, formatLabel, joinLabels, label } from './label/label.ts';
export type { NodeListener } from './merkle/append-tree.ts';
export { AppendTree } from './merkle/append-tree.ts';
export type { ConsistencyClaim } from './merkle/consistency-proof.ts';
export {
  consistencyProof,
  verifyConsistencyForLog,
  verifyConsistencyForWitness,
} from './merkle/consistency-proof.ts';
// RFC 6962 trees: hashing, growing, proofs, tile paths
export { emptyRoot, leafHash, nodeHash } from './merkle/hash.ts';
export type { InclusionClaim } from './merkle/inclusion-proof.ts';
export { inclusionProof, verifyInclusion } from './merkle/inclusion-proof.ts';
export type { ProofCheck } from './merkle/proof-check.ts';
export { entriesTilePath, TILE_WIDTH, tilePath } from './merkle/tile-path.ts';
export type { NodeReader } from './merkle/tree-root.ts';
export { rootFrom, treeRoot } from './merkle/tree-root.ts';
// which name was meant, for messages
export { nearestName } from './nearest-name.ts';
export type { Checkpoint } from './note/checkpoint.ts';
export { formatCheckpoint, parseCheckpoint } from './note/checkpoint.ts';
export type { NoteSigner, OpenedNote } from './note/signed-note.ts';
export { openNote, signNote } from './note/signed-note.ts';
export type { NoteVerifier } from './note/verifier-key.ts';
// signed notes and checkpoints
export { formatVerifierKey, noteKeyHash, noteVerifier, parseVerifierKey } from './note/verifier-key.ts';
