import type { RandomBytes } from '../embedded/cipher.ts';
import { SecretError } from '../errors.ts';
import { asSecretTenant } from '../names.ts';
import type { SecretRows } from '../ports.ts';
import type { RootKey } from './root-key.ts';
import type { RootKeySource } from './root-key-source.ts';
import type { RootKeys } from './root-keys.ts';

const PAGE = 500;
/** Replicas that have not heard of the new key yet may wrap by the old one meanwhile. */
const MAX_PASSES = 20;

export interface RootKeyChange {
  readonly from: readonly string[];
  readonly to: string;
  /** Tenant keys that were wrapped anew by this run. */
  readonly rewrapped: number;
}

/**
 * Wraps every tenant's key by another root key, then takes the old one off the record. Each step is one atomic change and
 * both keys open what they wrapped until the end: after a crash the same call goes on where it was.
 */
export async function changeRootKey(
  options: { readonly rows: SecretRows; readonly rootKeys: RootKeys; readonly random: RandomBytes },
  to: RootKeySource,
): Promise<RootKeyChange> {
  const { rows, rootKeys } = options;
  const next = await rootKeys.add(to);
  const old = (await rows.rootKeys()).map(({ rootKeyId }) => rootKeyId).filter((id) => id !== next.id);
  let rewrapped = 0;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    rewrapped += await rewrapAll(options, next);
    if (await droppedAll(rows, rootKeys, old)) return { from: old, to: next.id, rewrapped };
  }
  throw new SecretError(
    'SECRET_CONFLICT',
    'expected no replica to wrap by the old root key any more: give the new key to all of them, then do it again',
  );
}

async function rewrapAll(
  options: { readonly rows: SecretRows; readonly rootKeys: RootKeys; readonly random: RandomBytes },
  next: RootKey,
): Promise<number> {
  const { rows, rootKeys, random } = options;
  let [rewrapped, after] = [0, ''];
  for (;;) {
    const page = await rows.tenants(after, PAGE);
    for (const name of page) {
      const tenant = asSecretTenant(name);
      for (const row of await rows.tenantKeys(tenant)) {
        if (row.rootKeyId === next.id) continue;
        const bytes = (await rootKeys.byId(row.rootKeyId)).unwrap(tenant, row);
        const wrapped = next.wrap(tenant, row, bytes, random);
        bytes.fill(0);
        if (await rows.rewrapTenantKey(tenant, row.rootKeyId, wrapped)) rewrapped += 1;
      }
    }
    const last = page.at(-1);
    if (last === undefined) return rewrapped;
    after = last;
  }
}

async function droppedAll(rows: SecretRows, rootKeys: RootKeys, ids: readonly string[]): Promise<boolean> {
  for (const id of ids) if (await rows.dropRootKey(id)) rootKeys.forget(id);
  return (await rows.rootKeys()).every(({ rootKeyId }) => !ids.includes(rootKeyId));
}
