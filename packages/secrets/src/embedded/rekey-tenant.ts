import { SecretError } from '../errors.ts';
import { asSecretName, type SecretPlace, type SecretTenant } from '../names.ts';
import type { SealedValue } from '../ports.ts';
import type { RandomBytes } from './cipher.ts';
import { missingValue, rewrapValue, STAGED_SLOT } from './sealed-secret.ts';
import type { OpenedSecret, SecretStore } from './secret-store.ts';
import { stagedId } from './staging.ts';
import type { TenantKey } from './tenant-keys.ts';

const PAGE = 500;
const MAX_PASSES = 20;

/**
 * Gives a tenant a new key and wraps its data keys by it, secret by secret; each is one atomic change. The old key goes when
 * nothing needs it: it is still there after a crash, and the next call goes on instead of beginning anew.
 */
export async function rekeyTenant(
  store: SecretStore,
  tenant: SecretTenant,
  options: { readonly random: RandomBytes },
): Promise<{ readonly secrets: number }> {
  const before = await store.ask((rows) => rows.tenantKeys(tenant));
  const newest = before.at(-1);
  if (newest === undefined) return { secrets: 0 };
  if (before.length === 1) await store.ask(() => store.keys.add(tenant, newest.generation + 1));
  let secrets = 0;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    store.keys.forget(tenant);
    secrets += await rewrapSecrets(store, tenant, options.random);
    const old = (await store.ask((rows) => rows.tenantKeys(tenant))).slice(0, -1);
    let dropped = 0;
    for (const { keyId } of old)
      if (await store.ask((rows) => rows.dropTenantKey(tenant, keyId))) dropped += 1;
    store.keys.forget(tenant);
    if (dropped === old.length) return { secrets };
  }
  throw new SecretError(
    'SECRET_CONFLICT',
    'expected no replica to write under the old key any more; try again',
  );
}

async function rewrapSecrets(store: SecretStore, tenant: SecretTenant, random: RandomBytes): Promise<number> {
  let [secrets, after] = [0, ''];
  for (;;) {
    const names = await store.ask((rows) => rows.names(tenant, '', after, PAGE));
    for (const name of names) {
      const place = { tenant, name: asSecretName(name) };
      if (await rewrapSecret(store, place, random)) secrets += 1;
    }
    const last = names.at(-1);
    if (last === undefined) return secrets;
    after = last;
  }
}

function rewrapSecret(store: SecretStore, place: SecretPlace, random: RandomBytes): Promise<boolean> {
  return store.change<boolean>(place, 'all', async (secret, key) => {
    // Removed meanwhile, or done by a run before this one.
    if (secret === null || (secret.keyId === key.id && secret.values.every(({ keyId }) => keyId === key.id)))
      return { answer: false, change: null };
    const put: SealedValue[] = [];
    for (const value of secret.values)
      if (value.keyId !== key.id) put.push(await rewrapped(store, place, secret, key, value, random));
    return { answer: true, change: { content: secret.content, put } };
  });
}

async function rewrapped(
  store: SecretStore,
  place: SecretPlace,
  secret: OpenedSecret,
  to: TenantKey,
  value: SealedValue,
  random: RandomBytes,
): Promise<SealedValue> {
  const from = await store.ask(() => store.keys.byId(place.tenant, value.keyId));
  return rewrapValue(place, from, to, idIn(secret, value.slot), value, random);
}

/** What a slot's value is bound to. A row that the head knows nothing of was put there by somebody else. */
function idIn({ content }: OpenedSecret, slot: number): string {
  if (slot === STAGED_SLOT && content.staged !== null) return stagedId(content.staged);
  const entry = content.versions.find(({ version }) => version === slot);
  if (entry === undefined) throw missingValue();
  return entry.id;
}
