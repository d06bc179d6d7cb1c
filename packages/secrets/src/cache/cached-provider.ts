import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';
import type { Invalidations } from '../ports.ts';
import type { SecretProvider, VersionReference } from '../provider.ts';
import { type Looked, SecretCache, type SecretCacheOptions } from './secret-cache.ts';

export interface CachedProviderOptions extends Omit<SecretCacheOptions, 'hearing'> {
  readonly invalidations: Invalidations;
}

type ChangeHandler = (changed: { readonly tenant: string; readonly name: string } | null) => void;

/** A provider whose reads may come from memory, and whose changes are made known to all replicas. */
export interface CachedProvider extends SecretProvider {
  readThrough(place: SecretPlace, reference: VersionReference): Promise<Looked>;
  /** Told of changes here and elsewhere, after they left the cache; `null`: anything may have changed. */
  onChange(handler: ChangeHandler): () => void;
  /** Makes a change known that was made past this provider. */
  changed(place: SecretPlace): Promise<void>;
  readonly cachedSecrets: () => number;
}

export function cacheProvider(provider: SecretProvider, options: CachedProviderOptions): CachedProvider {
  const { invalidations } = options;
  const cache = new SecretCache({ ...options, hearing: () => invalidations.connected() });
  const handlers = new Set<ChangeHandler>();
  const heard: ChangeHandler = (changed) => {
    if (changed === null) cache.clear();
    else cache.invalidate(changed);
    for (const handler of handlers) handler(changed);
  };
  const stop = invalidations.subscribe(heard);

  const changed = async (place: SecretPlace): Promise<void> => {
    // Here at once, whatever becomes of the bus.
    heard({ tenant: place.tenant, name: place.name });
    await invalidations.publish(place.tenant, place.name).catch(() => undefined);
  };

  /** What nobody knows the end of may happen after we told of it: others are told again once it cannot any more. */
  const tellAgain = new Set<NodeJS.Timeout>();
  const changedLater = (place: SecretPlace): void => {
    const timer = setTimeout(() => {
      tellAgain.delete(timer);
      void changed(place);
    }, options.doubtMs).unref();
    tellAgain.add(timer);
  };

  /** What failed may have happened all the same, or may yet. */
  const changing = async <T>(place: SecretPlace, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SecretError) || error.code === 'PROVIDER_UNAVAILABLE') {
        cache.doubt(place);
        changedLater(place);
      }
      throw error;
    } finally {
      await changed(place);
    }
  };

  const readThrough = (place: SecretPlace, reference: VersionReference) =>
    cache.read(place, reference, () => provider.read(place, reference));

  return {
    name: provider.name,
    features: provider.features,
    readThrough,
    read: async (place, reference = 'current') => (await readThrough(place, reference)).secret,
    write: (place, value, words) => changing(place, () => provider.write(place, value, words)),
    describe: (place) => provider.describe(place),
    changeMetadata: (place, change) => changing(place, () => provider.changeMetadata(place, change)),
    list: (tenant, request) => provider.list(tenant, request),
    deleteVersions: (place, versions) => changing(place, () => provider.deleteVersions(place, versions)),
    undelete: (place, versions) => changing(place, () => provider.undelete(place, versions)),
    destroy: (place, versions) => changing(place, () => provider.destroy(place, versions)),
    remove: (place) => changing(place, () => provider.remove(place)),
    // Staged values change no current one, but fingerprints have to know them before their targets do.
    stage: (place, staged) => changing(place, () => provider.stage(place, staged)),
    staged: (place) => provider.staged(place),
    promote: (place, token, words) => changing(place, () => provider.promote(place, token, words)),
    discard: (place, token) => changing(place, () => provider.discard(place, token)),
    health: () => provider.health(),
    async close() {
      stop();
      for (const timer of tellAgain) clearTimeout(timer);
      cache.clear();
      await provider.close();
    },
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    changed,
    cachedSecrets: () => cache.size,
  };
}
