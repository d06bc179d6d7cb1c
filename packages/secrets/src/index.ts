// Names and values, checked

export {
  asSecretName,
  asSecretTenant,
  type SecretName,
  type SecretPlace,
  type SecretTenant,
} from './names.ts';
export { checkValue, MAX_STORED_BYTES, MAX_VALUE_BYTES, type SecretValue } from './value.ts';

// Errors

export { SecretError, type SecretErrorCode, SecretRateError } from './errors.ts';

// Where secrets are kept

export type {
  ListRequest,
  NamePage,
  ProviderFeatures,
  SecretDescription,
  SecretMetadata,
  SecretProvider,
  Sensitivity,
  StagedSecret,
  StoredSecret,
  VersionInfo,
  VersionReference,
  WriteOptions,
} from './provider.ts';

// What others keep and count for it

export type {
  Invalidations,
  RateDecision,
  RateLimits,
  RootKeyRow,
  SealedHead,
  SealedSecret,
  SealedValue,
  SecretChange,
  SecretRows,
  SlotChoice,
  TenantKeyRow,
} from './ports.ts';

// The embedded provider and its root keys

export {
  createEmbeddedProvider,
  type EmbeddedProvider,
  type EmbeddedProviderOptions,
} from './embedded/embedded-provider.ts';
export { changeRootKey, type RootKeyChange } from './root-key/change-root-key.ts';
export { rootKeyFromFile } from './root-key/file-source.ts';
export { type KeyManagement, rootKeyFromKms } from './root-key/kms-source.ts';
export { rootKeyFromPassphrase, rootKeyFromPassphraseFile } from './root-key/passphrase-source.ts';
export type { RootKeySource } from './root-key/root-key-source.ts';
export { RootKeys, type RootKeysOptions } from './root-key/root-keys.ts';
export { readSecretFile } from './root-key/secret-file.ts';

// Vault, OpenBao and AWS Secrets Manager

export { createAwsProvider } from './providers/aws/aws-provider.ts';
export { type AwsClient, createAwsClient } from './providers/aws/client.ts';
export type { AwsOptions } from './providers/aws/options.ts';
export type { VaultLogin, VaultOptions } from './providers/vault/options.ts';
export { createVaultProvider } from './providers/vault/vault-provider.ts';

// Who may do what

export { ACCESS, PLATFORM_ROLE, SECRET_ROLES, type SecretRole } from './access/access-table.ts';
export type { SecretOperation } from './access/operations.ts';

// Putting accesses on record

export type { AccessResult, AuditTrail, SecretAccess, SecretAction } from './audit.ts';
export {
  type AuditTrailOptions,
  createAuditTrail,
  type RunningAuditTrail,
} from './audit-trail/audit-trail.ts';
export type {
  AuditRow,
  AuditRows,
} from './audit-trail/ports.ts';

// The use cases, over a provider

export { type CachedProvider, cacheProvider } from './cache/cached-provider.ts';
export { createInProcessInvalidations } from './cache/in-process-invalidations.ts';
export { createInProcessLimits, type InProcessLimitsOptions } from './limits/in-process-limits.ts';
export { type OpenSecrets, openSecrets, type SecretsOptions } from './service/open-secrets.ts';
export type {
  AccessEvent,
  Caller,
  Comparison,
  FieldChange,
  ListQuery,
  LiveValue,
  Secrets,
  SecretsHealth,
  SecretTarget,
  UsedValue,
  UseRequest,
  WriteRequest,
} from './service/secrets.ts';

// Rotation: the use cases, and a scheduler of one process

export {
  createRotationScheduler,
  type RotationJob,
  type RotationScheduler,
  type RotationSchedulerOptions,
} from './rotation/create-rotation-scheduler.ts';
export type { RotationEvent, RotationListener } from './rotation/events.ts';
export type { Impact } from './rotation/impact.ts';
export { createMemoryRotationStore } from './rotation/memory-rotation-store.ts';
export type { RetryRules } from './rotation/pauses.ts';
export { RotationPolicies, type RotationPolicy } from './rotation/policies.ts';
export type {
  BeginAnswer,
  ClaimedRotation,
  ClaimRequest,
  Dependant,
  DependantNotifier,
  MaintenanceWindow,
  RandomFraction,
  RotatingProvider,
  Rotation,
  RotationChange,
  RotationClock,
  RotationContext,
  RotationListing,
  RotationPhase,
  RotationSchedule,
  RotationStore,
  RotationTiming,
  Rotator,
  RotatorOptions,
  ScheduleMove,
} from './rotation/ports.ts';
export type { PublicKeys } from './rotation/public-keys.ts';
export {
  type Admission,
  type DependantsAnswer,
  openRotations,
  type RotateAnswer,
  type RotateRequest,
  type Rotations,
  type RotationsOptions,
  type ScheduleAnswer,
  type ScheduleRequest,
} from './rotation/rotations.ts';
export { systemClock, systemRandom } from './rotation/system.ts';

// Rotators and webhooks

export { createKeyPairRotator } from './rotation/rotators/key-pair.ts';
export type { RandomBytes } from './rotation/rotators/random.ts';
export { createRandomRotator, randomText } from './rotation/rotators/random.ts';
export type { MessageSigner, PostingOptions } from './rotation/webhook/post-message.ts';
export { openSealedValue } from './rotation/webhook/sealed-value.ts';
export type { AddressRules } from './rotation/webhook/target-address.ts';
export {
  createWebhookNotifier,
  createWebhookRotator,
  type WebhookRotatorOptions,
} from './rotation/webhook/webhook-rotator.ts';

// Exports of other stores, read

export { readAwsExport } from './import/aws-export.ts';
export type { ImportedSecret, ImportNames } from './import/imported-secret.ts';
export { readVariables } from './import/variables.ts';
export { readVaultExport } from './import/vault-export.ts';

// Secrets that are mounted as files

export {
  readVolume,
  type VolumeLimits,
  type VolumeProblem,
  type VolumeRead,
  type VolumeView,
} from './volume/read-volume.ts';
export { RELOAD_KEYS, type VolumeEvent } from './volume/volume-event.ts';
export { type VolumeWatch, type VolumeWatchOptions, watchVolume } from './volume/watch-volume.ts';
