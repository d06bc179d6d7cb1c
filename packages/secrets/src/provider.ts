import type { SecretName, SecretPlace, SecretTenant } from './names.ts';
import type { SecretValue } from './value.ts';

/** A version is known by its number, which Vault's KV gives, and by an id that says when it was made. */
export interface VersionInfo {
  /** 1, 2, 3, … within a secret. */
  readonly version: number;
  /** `v<ms since 1970>-<6 of 0-9 a-z>`. */
  readonly id: string;
  /** ms since 1970. */
  readonly createdAt: number;
  readonly createdBy: string;
  readonly description: string;
  readonly state: 'current' | 'previous' | 'deleted' | 'destroyed';
}

/** By number or by id; `current`: the newest that is promoted. */
export type VersionReference = number | string | 'current';

export type Sensitivity = 'low' | 'medium' | 'high' | 'critical';

export interface SecretMetadata {
  readonly sensitivity: Sensitivity;
  /** At most 32; keys and values of 1 to 128 characters. */
  readonly tags: Readonly<Record<string, string>>;
  /** How many versions are kept; 10 unless told. */
  readonly maxVersions: number;
  /** Whether every write has to name the version that it replaces. */
  readonly casRequired: boolean;
}

export interface SecretDescription {
  readonly name: SecretName;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly metadata: SecretMetadata;
  /** Newest first. */
  readonly versions: readonly VersionInfo[];
}

export interface StoredSecret {
  readonly value: SecretValue;
  readonly version: VersionInfo;
  readonly metadata: SecretMetadata;
}

export interface WriteOptions {
  /** The version that this one replaces, 0 for a new secret; absent: whatever is there. */
  readonly cas?: number;
  readonly author: string;
  readonly description?: string;
  /** Only what is named changes. */
  readonly metadata?: Partial<SecretMetadata>;
}

/** A value that is to become the current one: made by a rotation, known to nobody but its target. */
export interface StagedSecret {
  readonly token: string;
  readonly value: SecretValue;
}

export interface ListRequest {
  /** Names that begin with it; empty: all. */
  readonly prefix: string;
  /** 1 to 1,000. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface NamePage {
  /** Ascending by code unit. */
  readonly names: readonly SecretName[];
  readonly cursor: string | null;
}

export interface ProviderFeatures {
  /** Whether single versions can be deleted and undeleted. */
  readonly deletesVersions: boolean;
  /** Whether single versions can be destroyed. */
  readonly destroysVersions: boolean;
}

/**
 * Where secrets are kept. One contract suite runs on every adapter (testkit). What is acknowledged is durable, and a read
 * that begins afterwards sees it. Errors are SecretError: SECRET_NOT_FOUND, SECRET_VERSION_NOT_FOUND, SECRET_DELETED,
 * SECRET_DESTROYED, SECRET_CONFLICT, SECRETS_SEALED; PROVIDER_UNAVAILABLE where nothing may have happened or everything
 * (a repeat is safe), PROVIDER_FORBIDDEN which names the capability that is missing, PROVIDER_UNSUPPORTED,
 * PROVIDER_INCONSISTENT for an answer that cannot be true. No message holds a value.
 */
export interface SecretProvider {
  readonly name: 'embedded' | 'vault' | 'aws';
  readonly features: ProviderFeatures;
  read(place: SecretPlace, version?: VersionReference): Promise<StoredSecret>;
  write(place: SecretPlace, value: SecretValue, options: WriteOptions): Promise<VersionInfo>;
  describe(place: SecretPlace): Promise<SecretDescription>;
  /** Changes what is named and keeps the rest. */
  changeMetadata(place: SecretPlace, change: Partial<SecretMetadata>): Promise<SecretMetadata>;
  list(tenant: SecretTenant, request: ListRequest): Promise<NamePage>;
  /** Takes the versions (by number) out of sight; `undelete` brings them back. Those that are so already stay so. */
  deleteVersions(place: SecretPlace, versions: readonly number[]): Promise<void>;
  undelete(place: SecretPlace, versions: readonly number[]): Promise<void>;
  /** For good. */
  destroy(place: SecretPlace, versions: readonly number[]): Promise<void>;
  /** All versions and the metadata, for good; where the provider has a recovery window, until its end. */
  remove(place: SecretPlace): Promise<void>;
  /**
   * Keeps a value beside the current one. The same token again replaces nothing and succeeds; another token while one is
   * staged is SECRET_CONFLICT.
   */
  stage(place: SecretPlace, staged: StagedSecret): Promise<void>;
  staged(place: SecretPlace): Promise<StagedSecret | null>;
  /** Makes the staged value the current version. Again with the same token: answers that version. */
  promote(place: SecretPlace, token: string, options: Omit<WriteOptions, 'metadata'>): Promise<VersionInfo>;
  /** Forgets what is staged under the token; succeeds where nothing is. */
  discard(place: SecretPlace, token: string): Promise<void>;
  /** What is wrong, for an operator: no address with credentials, no value. Empty when all is well. */
  health(): Promise<readonly string[]>;
  close(): Promise<void>;
}
