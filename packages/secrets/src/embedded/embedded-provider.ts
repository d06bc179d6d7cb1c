import { SecretError } from '../errors.ts';
import { changedMetadata, DEFAULT_METADATA } from '../metadata.ts';
import { asNamePrefix, asSecretName, asSecretTenant, type SecretPlace, type SecretTenant } from '../names.ts';
import type {
  ListRequest,
  NamePage,
  SecretDescription,
  SecretMetadata,
  SecretProvider,
  StagedSecret,
  VersionInfo,
  WriteOptions,
} from '../provider.ts';
import { checkValue, type SecretValue } from '../value.ts';
import { checkVersionReference, checkWords, makeVersionId } from '../version-id.ts';
import { rekeyTenant } from './rekey-tenant.ts';
import { missingValue, openValue, STAGED_SLOT, sealValue } from './sealed-secret.ts';
import {
  entryOf,
  infoOf,
  latestOf,
  newContent,
  readable,
  type SecretContent,
  type VersionEntry,
  withStates,
  withVersion,
} from './secret-content.ts';
import {
  type ChangePlan,
  type OpenedSecret,
  SecretStore,
  type SecretStoreOptions,
  valueIn,
} from './secret-store.ts';
import { checkToken, promotion, stagedId } from './staging.ts';
import type { TenantKey } from './tenant-keys.ts';

export interface EmbeddedProviderOptions extends SecretStoreOptions {
  /** Of new secrets that name no other number; 10 unless told. */
  readonly maxVersions?: number;
}

export interface EmbeddedProvider extends SecretProvider {
  /** A new key for the tenant; every data key is wrapped anew at once. Again after a crash: goes on. */
  rekeyTenant(tenant: SecretTenant): Promise<{ readonly secrets: number }>;
  /** The tenant's keys and secrets, for good. */
  eraseTenant(tenant: SecretTenant): Promise<void>;
}

const MAX_PAGE = 1000;

/**
 * Secrets sealed in rows of ours. The root key wraps each tenant's key, that one seals the heads and wraps a data key for
 * each version, which seals the value (cipher.ts has the bytes, sealed-secret.ts what is bound to what).
 */
export function createEmbeddedProvider(options: EmbeddedProviderOptions): EmbeddedProvider {
  const store = new SecretStore(options);
  const { clock, random, maxVersions = DEFAULT_METADATA.maxVersions } = options;

  const entryFor = (
    secret: OpenedSecret | null,
    words: WriteOptions,
    promoted: string | null,
  ): VersionEntry => ({
    version: (secret === null ? 0 : latestOf(secret.content)) + 1,
    id: makeVersionId(clock(), random),
    createdAt: clock(),
    createdBy: words.author,
    description: words.description ?? '',
    state: 'live',
    promoted,
  });

  /** The plan for one more version. */
  const planVersion = (
    place: SecretPlace,
    key: TenantKey,
    secret: OpenedSecret | null,
    value: SecretValue,
    words: WriteOptions,
    promoted: string | null,
  ): ChangePlan<VersionInfo> => {
    const before =
      secret?.content ?? newContent(Buffer.from(random(16)).toString('hex'), clock(), maxVersions);
    const entry = entryFor(secret, words, promoted);
    const staged = promoted === null ? before.staged : null;
    const content = { ...withVersion(before, entry, words.metadata), staged };
    const kept = new Set(content.versions.map(({ version }) => version));
    const pruned = before.versions.map(({ version }) => version).filter((version) => !kept.has(version));
    return {
      answer: infoOf(content, entry),
      change: {
        content,
        put: [sealValue(place, key, entry.version, entry.id, value, random)],
        drop: promoted === null ? pruned : [...pruned, STAGED_SLOT],
      },
    };
  };

  const openSlot = async (place: SecretPlace, secret: OpenedSecret, slot: number, id: string) => {
    const sealed = valueIn(secret, slot);
    if (sealed === undefined) throw missingValue();
    return openValue(place, await store.ask(() => store.keys.byId(place.tenant, sealed.keyId)), id, sealed);
  };

  const changeContent = <T>(
    place: SecretPlace,
    change: (content: SecretContent) => { content: SecretContent; answer: T; drop?: readonly number[] },
  ): Promise<T> =>
    store.change(place, 'none', (secret) => {
      if (secret === null) throw notFound();
      const { answer, content, drop = [] } = change(secret.content);
      const same =
        JSON.stringify(content) === JSON.stringify({ ...secret.content, updatedAt: content.updatedAt });
      return { answer, change: same ? null : { content, drop } };
    });

  return {
    name: 'embedded',
    features: { deletesVersions: true, destroysVersions: true },

    async read(place, reference = 'current') {
      checkVersionReference(reference);
      return store.twice(place, async () => {
        const number =
          typeof reference === 'string' && reference !== 'current'
            ? entryOf((await store.open(place, 'none')).content, reference).version
            : reference;
        const secret = await store.open(place, number === 'current' ? 'latest' : number);
        const entry = readable(entryOf(secret.content, number));
        const value = await openSlot(place, secret, entry.version, entry.id);
        return { value, version: infoOf(secret.content, entry), metadata: secret.content.metadata };
      });
    },

    async write(place, unchecked, words) {
      const value = checkValue(unchecked);
      checkWords(words);
      return store.change(place, 'none', (secret, key) => {
        checkReplaced(secret, words.cas, secret?.content.metadata.casRequired ?? false);
        return planVersion(place, key, secret, value, words, null);
      });
    },

    async describe(place): Promise<SecretDescription> {
      const { content } = await store.open(place, 'none');
      const { createdAt, updatedAt, metadata } = content;
      const versions = content.versions.map((entry) => infoOf(content, entry));
      return { name: place.name, createdAt, updatedAt, metadata, versions };
    },

    changeMetadata: async (place, change): Promise<SecretMetadata> =>
      changeContent(place, (content) => {
        const metadata = changedMetadata(content.metadata, change);
        return { answer: metadata, content: { ...content, metadata, updatedAt: clock() } };
      }),

    async list(tenant, request) {
      return listNames(store, asSecretTenant(tenant), request);
    },

    deleteVersions: async (place, versions) =>
      changeContent(place, (content) => ({
        answer: undefined,
        content: withStates(content, versions, 'deleted', clock()),
      })),

    undelete: async (place, versions) =>
      changeContent(place, (content) => ({
        answer: undefined,
        content: withStates(content, versions, 'live', clock()),
      })),

    destroy: async (place, versions) =>
      changeContent(place, (content) => ({
        answer: undefined,
        content: withStates(content, versions, 'destroyed', clock()),
        drop: versions,
      })),

    remove: async (place) => store.remove(place),

    async stage(place, { token, value: unchecked }) {
      checkToken(token);
      const value = checkValue(unchecked);
      return store.change(place, 'none', (secret, key) => {
        if (secret === null) throw notFound();
        const { content } = secret;
        if (content.staged === token) return { answer: undefined, change: null };
        if (content.staged !== null)
          throw new SecretError(
            'SECRET_CONFLICT',
            'expected no other value to be staged; promote or discard it',
          );
        const put = [sealValue(place, key, STAGED_SLOT, stagedId(token), value, random)];
        return { answer: undefined, change: { content: { ...content, staged: token }, put } };
      });
    },

    async staged(place): Promise<StagedSecret | null> {
      return store.twice(place, async () => {
        const secret = await store.find(place, STAGED_SLOT);
        const token = secret?.content.staged ?? null;
        if (secret === null || token === null) return null;
        return { token, value: await openSlot(place, secret, STAGED_SLOT, stagedId(token)) };
      });
    },

    async promote(place, token, words) {
      checkToken(token);
      checkWords(words);
      return store.change<VersionInfo>(place, STAGED_SLOT, async (secret, key) => {
        if (secret === null) throw notFound();
        const done = promotion(secret.content, token);
        if (done !== null) return { answer: infoOf(secret.content, done), change: null };
        checkReplaced(secret, words.cas, false);
        const value = await openSlot(place, secret, STAGED_SLOT, stagedId(token));
        return planVersion(place, key, secret, value, words, token);
      });
    },

    async discard(place, token) {
      checkToken(token);
      return store.change(place, 'none', (secret) => {
        if (secret?.content.staged !== token) return { answer: undefined, change: null };
        const content = { ...secret.content, staged: null };
        return { answer: undefined, change: { content, drop: [STAGED_SLOT] } };
      });
    },

    async health() {
      if (options.rootKeys.sealed) return ['the store of secrets is sealed: give it its root key'];
      try {
        await options.rows.rootKeys();
        return [];
      } catch {
        return ['the store of secrets does not answer'];
      }
    },

    async close() {
      options.rootKeys.seal();
      store.keys.clear();
    },

    rekeyTenant: async (tenant) => rekeyTenant(store, asSecretTenant(tenant), options),

    async eraseTenant(unchecked) {
      const tenant = asSecretTenant(unchecked);
      await store.ask((rows) => rows.eraseTenant(tenant));
      store.keys.forget(tenant);
    },
  };
}

function checkReplaced(secret: OpenedSecret | null, cas: number | undefined, required: boolean): void {
  const current = secret === null ? 0 : latestOf(secret.content);
  if (cas === undefined ? required : cas !== current)
    throw new SecretError(
      'SECRET_CONFLICT',
      `expected the write to name the current version \`${current}\` as the one that it replaces; read it and try again`,
    );
}

async function listNames(store: SecretStore, tenant: SecretTenant, request: ListRequest): Promise<NamePage> {
  const prefix = asNamePrefix(request.prefix);
  const { limit, cursor = '' } = request;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_PAGE)
    throw new SecretError('SECRET_REQUEST_INVALID', `expected a limit from 1 to ${MAX_PAGE}`);
  const after = cursor === '' ? '' : checkedCursor(cursor);
  const found = await store.ask((rows) => rows.names(tenant, prefix, after, limit + 1));
  const names = found.slice(0, limit).map(asSecretName);
  return { names, cursor: found.length > limit ? (names.at(-1) ?? null) : null };
}

function checkedCursor(cursor: string): string {
  try {
    return asSecretName(cursor);
  } catch (cause) {
    throw new SecretError('SECRET_REQUEST_INVALID', 'expected the cursor of the page before', { cause });
  }
}

function notFound(): SecretError {
  return new SecretError('SECRET_NOT_FOUND', 'expected a secret that is there; list the names of the tenant');
}
