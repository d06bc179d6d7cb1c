import type { SecretTenant } from './names.ts';

/**
 * What the embedded provider keeps of one secret beside its values: sealed whole under the tenant's key. `latest` is in
 * the clear so that one query finds the current value; the seal authenticates it, the revision and the key.
 */
export interface SealedHead {
  /** 1 for a new secret, and one more with each change. */
  readonly revision: number;
  /** The slot of the current version. */
  readonly latest: number;
  /** Which of the tenant's keys it is sealed under. */
  readonly keyId: string;
  /** At most 128 KiB. */
  readonly sealed: Uint8Array;
}

/** One value. The slot is the version's number; 0 is the value that a rotation staged. */
export interface SealedValue {
  readonly slot: number;
  /** Which of the tenant's keys `wrappedKey` is wrapped under. */
  readonly keyId: string;
  /** The value's own key, wrapped. At most 128 bytes. */
  readonly wrappedKey: Uint8Array;
  /** At most 128 KiB. */
  readonly sealed: Uint8Array;
}

export interface SealedSecret {
  readonly head: SealedHead;
  /** Those asked for that are there, ascending by slot. */
  readonly values: readonly SealedValue[];
}

/** Which values come with the head. */
export type SlotChoice = 'none' | 'latest' | 'all' | number;

export interface SecretChange {
  /** The revision that this change is made upon; 0: the secret must not be there. */
  readonly expectedRevision: number;
  /** Its revision is `expectedRevision + 1`. */
  readonly head: SealedHead;
  /** Put in, or in the place of what has their slot. */
  readonly put: readonly SealedValue[];
  /** Slots that go, for good. */
  readonly drop: readonly number[];
}

/** A tenant's key, wrapped by a root key. */
export interface TenantKeyRow {
  /** 32 hex digits, random: a key that was erased and made anew is another key. */
  readonly keyId: string;
  /** 1, 2, 3, …: values are sealed under the highest. */
  readonly generation: number;
  readonly rootKeyId: string;
  /** At most 256 bytes. */
  readonly wrapped: Uint8Array;
}

/** What tells whether a root key is the right one, and what is needed to get at it. Holds no key in the clear. */
export interface RootKeyRow {
  /** 32 hex digits, derived from the key one way. */
  readonly rootKeyId: string;
  readonly source: 'file' | 'passphrase' | 'kms';
  /** The salt and cost of a passphrase, what a KMS wrapped, or nothing. At most 4 KiB. */
  readonly parameters: Uint8Array;
  /** At most 256 bytes. */
  readonly check: Uint8Array;
}

/**
 * Where the embedded provider keeps its rows: ciphertext only, so that whoever reads the store learns tenants, names and
 * sizes, and whoever writes to it can destroy or withhold but not make a value. Every method acts in one tenant, given by
 * the service, and can neither see nor touch another's; those about root keys and `tenants` concern the whole store and
 * are never reached from a request. A change that is acknowledged is durable and atomic, and what begins afterwards
 * sees it. A method that throws has changed nothing or everything: the provider reads again to learn which.
 */
export interface SecretRows {
  /** One snapshot of head and values; null: no such secret. */
  read(tenant: SecretTenant, name: string, slots: SlotChoice): Promise<SealedSecret | null>;
  /**
   * `conflict`: the secret is not at the expected revision, or one of the keys named in the change is not among the
   * tenant's (it was erased meanwhile). Of two changes upon one revision at most one is `done`.
   */
  change(tenant: SecretTenant, name: string, change: SecretChange): Promise<'done' | 'conflict'>;
  /** Head and values, for good. False: it was not there. */
  remove(tenant: SecretTenant, name: string): Promise<boolean>;
  /** Names beginning with the prefix that come after `after`, ascending by code unit; at most `limit` (1 to 1,001). */
  names(tenant: SecretTenant, prefix: string, after: string, limit: number): Promise<readonly string[]>;

  /** Ascending by generation. */
  tenantKeys(tenant: SecretTenant): Promise<readonly TenantKeyRow[]>;
  /** False: the tenant has that generation, or the root key is not on record; nothing has changed. */
  addTenantKey(tenant: SecretTenant, key: TenantKeyRow): Promise<boolean>;
  /** Swaps in the same key wrapped by another root key, if it is still wrapped by `fromRootKeyId`. */
  rewrapTenantKey(tenant: SecretTenant, fromRootKeyId: string, key: TenantKeyRow): Promise<boolean>;
  /** False while a head or value names it, or where it is not there; nothing has changed then. */
  dropTenantKey(tenant: SecretTenant, keyId: string): Promise<boolean>;
  /** All keys and secrets of the tenant, for good. */
  eraseTenant(tenant: SecretTenant): Promise<void>;

  /** Tenants that have a key, ascending by code unit, after `after`; at most `limit` (1 to 1,000). */
  tenants(after: string, limit: number): Promise<readonly string[]>;
  /** In the order they were added: one, and two while the root key is being changed. */
  rootKeys(): Promise<readonly RootKeyRow[]>;
  /** False: the root keys on record are not exactly the known ones; nothing has changed. Two at once: one is added. */
  addRootKey(key: RootKeyRow, known: readonly string[]): Promise<boolean>;
  /** False while a tenant's key is wrapped by it, or where it is not there; nothing has changed then. */
  dropRootKey(rootKeyId: string): Promise<boolean>;
}

/**
 * Tells replicas that a secret has changed. What comes from others is a hint to forget, never a value: whoever forges
 * messages costs time, whoever drops them delays a change by the cache's bound.
 */
export interface Invalidations {
  /** Resolves once the message is on its way; a failure is not an error of the write, `connected` tells of it. */
  publish(tenant: string, name: string): Promise<void>;
  /**
   * Called for each change made elsewhere, also for one's own; `null`: messages may have been missed, forget everything.
   * Returns how to stop.
   */
  subscribe(
    handler: (changed: { readonly tenant: string; readonly name: string } | null) => void,
  ): () => void;
  /** Whether a message sent now by another replica would come. */
  connected(): boolean;
}

export type RateDecision = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };

/** How often secrets may be asked for. It never throws: where the shared count cannot be had, one in process stands in. */
export interface RateLimits {
  take(tenant: string, principal: string): Promise<RateDecision>;
}
