import { SecretError } from '../errors.ts';
import type { SecretProvider, StoredSecret, VersionReference } from '../provider.ts';
import { checkValue } from '../value.ts';
import { WorkLimit } from './work-limit.ts';

export interface GuardOptions {
  /** For all attempts of one request, and the time that it waits for its turn. */
  readonly timeoutMs: number;
  /** Requests at a time. */
  readonly maxConcurrent: number;
  /** Requests that wait for their turn; beyond it they are refused at once. */
  readonly maxWaiting: number;
  /** How often what may be repeated is tried again. */
  readonly retries: number;
  /** Pauses between attempts grow from here. */
  readonly pauseMs: number;
}

/**
 * Keeps a provider that is slow, down or untrue from becoming ours: requests end in time, are bounded in number, are tried
 * again where a repeat is safe, and an answer that cannot be one to the question is PROVIDER_INCONSISTENT.
 */
export function guardProvider(provider: SecretProvider, options: GuardOptions): SecretProvider {
  const limit = new WorkLimit(options);

  const once = <T>(owner: string, work: () => Promise<T>): Promise<T> => limit.run(owner, () => named(work));
  const again = <T>(owner: string, work: () => Promise<T>): Promise<T> =>
    limit.run(owner, async (isOver) => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await named(work);
        } catch (error) {
          const passing = error instanceof SecretError && error.code === 'PROVIDER_UNAVAILABLE';
          if (!passing || attempt >= options.retries || isOver()) throw error;
          await pause(options.pauseMs * 2 ** attempt);
          if (isOver()) throw error;
        }
      }
    });

  return {
    name: provider.name,
    features: provider.features,
    read: (place, reference = 'current') =>
      again(place.tenant, async () => checkAnswer(await provider.read(place, reference), reference)),
    // Not again: without check-and-set a repeat would be another version, with it a conflict with oneself.
    write: (place, value, words) => once(place.tenant, () => provider.write(place, value, words)),
    describe: (place) =>
      again(place.tenant, async () => {
        const description = await provider.describe(place);
        if (description.name !== place.name) throw untrue('the description of the secret that was asked for');
        return description;
      }),
    changeMetadata: (place, change) => again(place.tenant, () => provider.changeMetadata(place, change)),
    list: (tenant, request) =>
      again(tenant, async () => {
        const page = await provider.list(tenant, request);
        if (page.names.length > request.limit || page.names.some((name) => !name.startsWith(request.prefix)))
          throw untrue('a page of the names that were asked for');
        return page;
      }),
    deleteVersions: (place, versions) => again(place.tenant, () => provider.deleteVersions(place, versions)),
    undelete: (place, versions) => again(place.tenant, () => provider.undelete(place, versions)),
    destroy: (place, versions) => again(place.tenant, () => provider.destroy(place, versions)),
    remove: (place) => again(place.tenant, () => provider.remove(place)),
    stage: (place, staged) => again(place.tenant, () => provider.stage(place, staged)),
    staged: (place) => again(place.tenant, () => provider.staged(place)),
    promote: (place, token, words) => again(place.tenant, () => provider.promote(place, token, words)),
    discard: (place, token) => again(place.tenant, () => provider.discard(place, token)),
    health: () => limit.beside(() => provider.health()),
    close: () => provider.close(),
  };
}

/** Throws PROVIDER_INCONSISTENT for another version than was asked for, or what no write of ours was. */
function checkAnswer(secret: StoredSecret, asked: VersionReference): StoredSecret {
  const { version, id, state } = secret.version;
  const isAsked = asked === 'current' ? state === 'current' : asked === version || asked === id;
  if (!isAsked) throw untrue('the version that was asked for');
  try {
    return { ...secret, value: checkValue(secret.value) };
  } catch (cause) {
    throw new SecretError('PROVIDER_INCONSISTENT', 'expected a value that could have been written', {
      cause,
    });
  }
}

function untrue(expected: string): SecretError {
  return new SecretError('PROVIDER_INCONSISTENT', `expected ${expected}, got another from the provider`);
}

/** What is no SecretError says nothing of what happened. Its message may hold anything: it stays inside. */
async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SecretError) throw cause;
    throw new SecretError('PROVIDER_UNAVAILABLE', 'expected the provider to answer', { cause });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
