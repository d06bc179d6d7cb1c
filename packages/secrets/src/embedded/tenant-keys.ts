import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { SecretError } from '../errors.ts';
import type { SecretTenant } from '../names.ts';
import type { SecretRows } from '../ports.ts';
import type { RootKeys } from '../root-key/root-keys.ts';
import { derivedKey, KEY_BYTES, type RandomBytes } from './cipher.ts';

/** A tenant's key, as two keys with one purpose each. */
export interface TenantKey {
  readonly id: string;
  readonly generation: number;
  readonly heads: KeyObject;
  readonly values: KeyObject;
}

export interface TenantKeysOptions {
  readonly rows: SecretRows;
  readonly rootKeys: RootKeys;
  readonly random: RandomBytes;
  readonly clock: () => number;
}

const MAX_TENANTS = 10_000;
/** How long another replica's new generation may go unseen by writers here; readers see it by its id at once. */
const KNOWN_FOR_MS = 60_000;
const MAX_ATTEMPTS = 5;

/** The tenants' keys, unwrapped when first needed, for the busiest tenants. */
export class TenantKeys {
  readonly #options: TenantKeysOptions;
  readonly #known: LRUCache<string, ReadonlyMap<string, TenantKey>>;

  constructor(options: TenantKeysOptions) {
    this.#options = options;
    this.#known = new LRUCache({
      max: MAX_TENANTS,
      ttl: KNOWN_FOR_MS,
      perf: { now: options.clock },
      ttlResolution: 0,
    });
  }

  /** The newest; made where the tenant has none. */
  async newest(tenant: SecretTenant): Promise<TenantKey> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const key = newestOf(await this.#of(tenant));
      if (key !== undefined) return key;
      await this.add(tenant, 1);
    }
    throw new SecretError(
      'PROVIDER_INCONSISTENT',
      'expected the key that was made for the tenant to be there',
    );
  }

  /** Throws PROVIDER_INCONSISTENT where the tenant has no such key (any more). */
  async byId(tenant: SecretTenant, id: string): Promise<TenantKey> {
    const key = (await this.#of(tenant)).get(id) ?? (await this.#load(tenant)).get(id);
    if (key !== undefined) return key;
    throw new SecretError('PROVIDER_INCONSISTENT', `expected the tenant to have the key \`${id}\``);
  }

  /** Puts a random key on record, unless somebody else was first. */
  async add(tenant: SecretTenant, generation: number): Promise<void> {
    const { rows, rootKeys, random } = this.#options;
    const keyId = Buffer.from(random(16)).toString('hex');
    const row = rootKeys.newest().wrap(tenant, { keyId, generation }, random(KEY_BYTES), random);
    this.forget(tenant);
    if (!(await rows.addTenantKey(tenant, row))) await rootKeys.refresh();
  }

  forget(tenant: SecretTenant): void {
    this.#known.delete(tenant);
  }

  clear(): void {
    this.#known.clear();
  }

  async #of(tenant: SecretTenant): Promise<ReadonlyMap<string, TenantKey>> {
    return this.#known.get(tenant) ?? this.#load(tenant);
  }

  async #load(tenant: SecretTenant): Promise<ReadonlyMap<string, TenantKey>> {
    const keys = new Map<string, TenantKey>();
    for (const row of await this.#options.rows.tenantKeys(tenant)) {
      const bytes = (await this.#options.rootKeys.byId(row.rootKeyId)).unwrap(tenant, row);
      keys.set(row.keyId, {
        id: row.keyId,
        generation: row.generation,
        heads: derivedKey(bytes, 'tenant-key/heads'),
        values: derivedKey(bytes, 'tenant-key/values'),
      });
      bytes.fill(0);
    }
    if (keys.size > 0) this.#known.set(tenant, keys);
    return keys;
  }
}

function newestOf(keys: ReadonlyMap<string, TenantKey>): TenantKey | undefined {
  return [...keys.values()].sort((a, b) => b.generation - a.generation)[0];
}
