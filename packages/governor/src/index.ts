// The governor: everything that may be asked of it

export type { AuditPosition, ChangeEvent, ChangeEventKind, RecordedFile } from './audit/change-event.ts';
export { changeEvent } from './service/change-events.ts';
export { ChangeRefused, type RefusalFacts } from './service/change-refused.ts';
export { planChange } from './service/desk.ts';
export {
  createGovernor,
  type Governor,
  type GovernorOptions,
  keepPolicy,
  prepareGovernor,
} from './service/governor.ts';
export { policyInForce } from './service/policy-in-force.ts';
export type {
  ChangeRecorder,
  GovernorObserver,
  GovernorParts,
  PolicyLoader,
  RecordedChange,
} from './service/ports.ts';
export type {
  ApplyAnswer,
  ApplyRequest,
  GovernorCaller,
  GovernorStatus,
  ProposalAnswer,
  RollbackAnswer,
  RollbackRequest,
  VerifyAnswer,
} from './service/requests.ts';

// Manifests, and what they do to a tree

export type { FileChange, FileOperation, TreeFile } from './change.ts';
export { changesOf } from './manifest/changes-of.ts';
export {
  type BoundManifest,
  type ChangeBinding,
  type ChangeManifest,
  type Edit,
  type FileDiff,
  type FileMode,
  type FileWrite,
  MANIFEST_PAYLOAD_TYPE,
} from './manifest/manifest.ts';
export {
  bindManifest,
  manifestBytes,
  manifestHash,
  parseBoundManifest,
  parseManifest,
} from './manifest/parse-manifest.ts';

// Signatures, and whether a signed change may be applied

export { checkBinding, checkThreshold } from './gate/check-envelope.ts';
export { createClaims } from './gate/claims.ts';
export { createGate } from './gate/create-gate.ts';
export type { AsyncSigner, KeySigner, KmsKey } from './gate/ports.ts';
export { addSignature, signManifest } from './gate/sign-manifest.ts';
export { SIGNER_ROLES, type Signer, type SignerRole } from './gate/signer.ts';
export { type VerifiedChange, verifyEnvelope } from './gate/verify-envelope.ts';

// Keys

export { fileSigner } from './keys/file-signer.ts';
export { generateKey } from './keys/generate-key.ts';
export { importKey } from './keys/import-key.ts';
export { type ListedKey, listKeys, openKeyRing } from './keys/key-ring.ts';
export { kmsSigner } from './keys/kms-signer.ts';
export { parsePublicKeyText } from './keys/public-key-text.ts';
export { retireKey } from './keys/retire-key.ts';
export type { KeyRing, RingKey } from './keys/ring.ts';
export { type RotatedKey, rotateKey } from './keys/rotate-key.ts';
export { listSshAgentKeys, sshAgentSigner } from './keys/ssh-agent/ssh-agent-signer.ts';
export { sshSignature } from './keys/ssh-signature.ts';
export { watchKeyRing } from './keys/watch-key-ring.ts';

// The policy

export { RULE_NAMES } from './policy/evaluate.ts';
export { formatPlan } from './policy/format-plan.ts';
export { loadGovernorPolicy } from './policy/load-policy.ts';
export type {
  AutonomyTier,
  ExplainedRule,
  GovernorPolicy,
  PlanResult,
  PolicyIdentity,
  RuleVerdict,
} from './policy/plan.ts';

// The sandbox

export { createSandbox, type SandboxOptions } from './sandbox/create-sandbox.ts';
export {
  SANDBOX_TIERS,
  type Sandbox,
  type SandboxAbility,
  type SandboxEnd,
  type SandboxLimits,
  type SandboxResult,
  type SandboxRun,
  type SandboxTier,
} from './sandbox/sandbox.ts';
export { makeWorkspace, type Workspace } from './sandbox/workspace.ts';

// The tree: digests, private copies, changes that land whole or not at all, recovery, taking back

export type { CommitSigner } from './apply/ports.ts';
export { fileTreeLock } from './tree/file-tree-lock.ts';
export { openTree, type Tree, type TreeOptions } from './tree/open-tree.ts';
export { requireApart } from './tree/require-apart.ts';
export { TREE_LIMITS, type TreeLimits } from './tree/tree-scan.ts';
export type { TreeEntry, TreeMode, TreeState } from './tree/tree-state.ts';

// The record, and audit.log

export type { AuditRecord } from './audit/audit-record.ts';
export {
  type ChangeRecordOptions,
  type FoldedRecord,
  openChangeRecord,
  type UnfinishedChange,
} from './audit/change-record.ts';
export type { ChangeSource, SourcedChange } from './audit/change-source.ts';
export { type ChangeTrail, type ChangeTrailOptions, createChangeTrail } from './audit/change-trail.ts';
export { type ChangeLog, type JournalChangesOptions, journalChanges } from './audit/journal-changes.ts';
export {
  type AuditView,
  type AuditViewEvent,
  type AuditViewOptions,
  openAuditView,
} from './audit/view/audit-view.ts';
export { lastRecords } from './audit/view/last-records.ts';
export { type RestoredAudit, type RestoreOptions, restoreAudit } from './audit/view/restore-audit.ts';
export { type AuditVerification, type AuditVerifying, verifyAudit } from './audit/view/verify-audit.ts';

// Stopping it

export { createKillSwitch } from './kill-switch/create-kill-switch.ts';
export { environmentSource } from './kill-switch/environment-source.ts';
export { cleanKillOrder } from './kill-switch/kill-order.ts';
export type { KillOrder, KillSource, KillState, KillSwitch } from './kill-switch/kill-switch.ts';
export { type PolledKillSourceOptions, polledKillSource } from './kill-switch/polled-kill-source.ts';
export { sentinelSource } from './kill-switch/sentinel-source.ts';

// Proposals

export { MANIFEST_LIMITS } from './manifest/manifest-limits.ts';
export type { Proposal, ProposalStatus } from './proposal.ts';
export { MOST_LISTED_PROPOSALS, PROPOSAL_BOUNDS, type ProposalBounds } from './proposals/bounds.ts';
export { type FileProposalsOptions, fileProposals } from './proposals/file-proposals.ts';
export { expiryOf, mayReplace, proposalAsSeen, proposalsFull } from './proposals/proposal-rules.ts';
export { decodeProposal, encodeProposal } from './proposals/proposal-text.ts';
// Ports

export type { Claims, CompileCedar, ProposalStore, TreeLock } from './ports.ts';

// Errors

export { GovernorError, type GovernorErrorCode } from './errors.ts';
