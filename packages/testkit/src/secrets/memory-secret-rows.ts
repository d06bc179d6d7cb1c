import type {
  RootKeyRow,
  SealedHead,
  SealedSecret,
  SealedValue,
  SecretChange,
  SecretRows,
  SlotChoice,
  TenantKeyRow,
} from '@provability-fabric/secrets';

interface MemorySecret {
  readonly head: SealedHead;
  readonly values: ReadonlyMap<number, SealedValue>;
}

interface MemoryTenant {
  readonly keys: Map<string, TenantKeyRow>;
  readonly secrets: Map<string, MemorySecret>;
}

/** The rows of an embedded provider in memory: open to tests that play whoever may write to the store. */
export class MemorySecretRows implements SecretRows {
  readonly tenantsByName = new Map<string, MemoryTenant>();
  readonly roots: RootKeyRow[] = [];

  async read(tenant: string, name: string, slots: SlotChoice): Promise<SealedSecret | null> {
    const secret = this.tenantsByName.get(tenant)?.secrets.get(name);
    if (secret === undefined) return null;
    const { head } = secret;
    const wanted = slots === 'latest' ? head.latest : slots;
    const values = [...secret.values.values()]
      .filter(({ slot }) => wanted === 'all' || slot === wanted)
      .sort((a, b) => a.slot - b.slot);
    return structuredClone({ head, values });
  }

  async change(tenant: string, name: string, change: SecretChange): Promise<'done' | 'conflict'> {
    const there = this.tenantsByName.get(tenant);
    const secret = there?.secrets.get(name);
    const keys = [change.head, ...change.put].map(({ keyId }) => keyId);
    if (there === undefined || !keys.every((key) => there.keys.has(key))) return 'conflict';
    if ((secret?.head.revision ?? 0) !== change.expectedRevision) return 'conflict';
    const values = new Map(secret?.values);
    for (const slot of change.drop) values.delete(slot);
    for (const value of change.put) values.set(value.slot, structuredClone(value));
    there.secrets.set(name, { head: structuredClone(change.head), values });
    return 'done';
  }

  async remove(tenant: string, name: string): Promise<boolean> {
    return this.tenantsByName.get(tenant)?.secrets.delete(name) ?? false;
  }

  async names(tenant: string, prefix: string, after: string, limit: number): Promise<readonly string[]> {
    return [...(this.tenantsByName.get(tenant)?.secrets.keys() ?? [])]
      .filter((name) => name.startsWith(prefix) && name > after)
      .sort((a, b) => (a < b ? -1 : 1))
      .slice(0, limit);
  }

  async tenantKeys(tenant: string): Promise<readonly TenantKeyRow[]> {
    const keys = this.tenantsByName.get(tenant)?.keys.values() ?? [];
    return structuredClone([...keys].sort((a, b) => a.generation - b.generation));
  }

  async addTenantKey(tenant: string, key: TenantKeyRow): Promise<boolean> {
    const there = this.tenantsByName.get(tenant) ?? { keys: new Map(), secrets: new Map() };
    const taken = [...there.keys.values()].some(({ generation }) => generation === key.generation);
    if (taken || !this.roots.some(({ rootKeyId }) => rootKeyId === key.rootKeyId)) return false;
    there.keys.set(key.keyId, structuredClone(key));
    this.tenantsByName.set(tenant, there);
    return true;
  }

  async rewrapTenantKey(tenant: string, fromRootKeyId: string, key: TenantKeyRow): Promise<boolean> {
    const keys = this.tenantsByName.get(tenant)?.keys;
    if (keys?.get(key.keyId)?.rootKeyId !== fromRootKeyId) return false;
    if (!this.roots.some(({ rootKeyId }) => rootKeyId === key.rootKeyId)) return false;
    keys.set(key.keyId, structuredClone(key));
    return true;
  }

  async dropTenantKey(tenant: string, keyId: string): Promise<boolean> {
    const there = this.tenantsByName.get(tenant);
    const used = [...(there?.secrets.values() ?? [])].some(
      ({ head, values }) =>
        head.keyId === keyId || [...values.values()].some((value) => value.keyId === keyId),
    );
    return !used && (there?.keys.delete(keyId) ?? false);
  }

  async eraseTenant(tenant: string): Promise<void> {
    this.tenantsByName.delete(tenant);
  }

  async tenants(after: string, limit: number): Promise<readonly string[]> {
    return [...this.tenantsByName.keys()]
      .filter((tenant) => tenant > after)
      .sort((a, b) => (a < b ? -1 : 1))
      .slice(0, limit);
  }

  async rootKeys(): Promise<readonly RootKeyRow[]> {
    return structuredClone(this.roots);
  }

  async addRootKey(key: RootKeyRow, known: readonly string[]): Promise<boolean> {
    const there = this.roots.map(({ rootKeyId }) => rootKeyId).sort();
    if (JSON.stringify(there) !== JSON.stringify([...known].sort())) return false;
    this.roots.push(structuredClone(key));
    return true;
  }

  async dropRootKey(rootKeyId: string): Promise<boolean> {
    const at = this.roots.findIndex((root) => root.rootKeyId === rootKeyId);
    const used = [...this.tenantsByName.values()].some(({ keys }) =>
      [...keys.values()].some((key) => key.rootKeyId === rootKeyId),
    );
    if (at < 0 || used) return false;
    this.roots.splice(at, 1);
    return true;
  }
}
