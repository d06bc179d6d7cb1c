import type { SecretOperation } from '../access/operations.ts';
import type { AuditTrail } from '../audit.ts';
import { type CachedProvider, cacheProvider } from '../cache/cached-provider.ts';
import type { RandomBytes } from '../embedded/cipher.ts';
import { SecretError } from '../errors.ts';
import type { SecretName, SecretPlace, SecretTenant } from '../names.ts';
import type { Invalidations, RateLimits } from '../ports.ts';
import type { NamePage, SecretProvider, VersionReference } from '../provider.ts';
import { MAX_GRACE_HOURS } from '../rotation/grace.ts';
import { checkValue } from '../value.ts';
import { checkVersionReference } from '../version-id.ts';
import { compareValues } from './compare-values.ts';
import { type GuardOptions, guardProvider } from './guarded-provider.ts';
import { liveValuesOf, liveValuesOfTenant } from './live-values.ts';
import { type Asked, type Noted, RecordedAccess } from './recorded-access.ts';
import { checkedChange, checkedList, checkedVersions, checkedWords } from './requests.ts';
import type { AccessEvent, Caller, Secrets, SecretTarget } from './secrets.ts';
import { usedField } from './used-field.ts';

export interface SecretsOptions {
  readonly provider: SecretProvider;
  readonly audit: AuditTrail;
  readonly limits: RateLimits;
  readonly invalidations: Invalidations;
  /** ms since 1970. */
  readonly clock: () => number;
  /** ms, monotonic. */
  readonly elapsed: () => number;
  readonly random: RandomBytes;
  /** UUIDs. */
  readonly newId: () => string;
  readonly onAccess: (event: AccessEvent) => void;
  /** Whether the provider waits for its root key; never, for one that has none. */
  readonly sealed?: () => boolean;
  readonly cache?: Partial<CacheSettings>;
  readonly guard?: Partial<GuardOptions>;
  /** Of the embedded provider. Absent: the provider can erase single secrets only. */
  readonly eraseTenant?: (tenant: SecretTenant) => Promise<void>;
  /** How long a value that was replaced is still taken for one that may be valid; the longest grace. */
  readonly liveForMs?: number;
}

export interface CacheSettings {
  readonly ttlMs: number;
  readonly maxBytes: number;
  readonly deafMs: number;
  readonly doubtMs: number;
}

export interface OpenSecrets extends Secrets {
  /** A tenant's keys, and with them all its secrets, for good. Throws PROVIDER_UNSUPPORTED. */
  eraseTenant(caller: Caller, tenant: string): Promise<void>;
  /** For rotation: bounded, and known to the cache. Whoever calls it keeps the records. */
  readonly provider: CachedProvider;
}

const CACHE: CacheSettings = { ttlMs: 300_000, maxBytes: 67_108_864, deafMs: 1000, doubtMs: 30_000 };
const GUARD: GuardOptions = { timeoutMs: 5000, maxConcurrent: 64, maxWaiting: 2000, retries: 2, pauseMs: 25 };
const LIVE_FOR_MS = MAX_GRACE_HOURS * 3_600_000;
const ROLLBACK_ATTEMPTS = 3;

/** The use cases over a provider. Values come from it and from nowhere else: no environment, no other tenant, no default. */
export function openSecrets(options: SecretsOptions): OpenSecrets {
  const { clock, random, invalidations, liveForMs = LIVE_FOR_MS } = options;
  const guarded = guardProvider(options.provider, { ...GUARD, ...options.guard });
  const provider = cacheProvider(guarded, { ...CACHE, ...options.cache, invalidations, clock, random });
  const access = new RecordedAccess({ ...options, provider: provider.name });

  const perform = <T>(
    caller: Caller,
    operation: SecretOperation,
    target: SecretTarget,
    work: (place: SecretPlace, noted: Noted) => Promise<T>,
  ): Promise<T> => access.perform({ caller, operation, target, about: 'secret' }, work);

  const readThrough = async (place: SecretPlace, reference: VersionReference, noted: Noted) => {
    const { secret, cached } = await provider.readThrough(place, checkVersionReference(reference));
    noted.version = secret.version.version;
    noted.cached = cached;
    return secret;
  };

  const read = (
    operation: 'read' | 'mount',
    caller: Caller,
    target: SecretTarget,
    version: VersionReference,
  ) =>
    perform(caller, operation, target, async (place, noted) => {
      const secret = await readThrough(place, version, noted);
      noted.details.cached = noted.cached ?? false;
      return secret;
    });

  const currentOf = async (place: SecretPlace): Promise<number> => {
    const [newest] = (await provider.describe(place)).versions;
    if (newest === undefined)
      throw new SecretError('SECRET_NOT_FOUND', 'expected a secret that has a version');
    return newest.version;
  };

  return {
    provider,
    read: (caller, target, version = 'current') => read('read', caller, target, version),
    mount: (caller, target, version = 'current') => read('mount', caller, target, version),

    write: (caller, target, request) =>
      perform(caller, 'write', target, async (place, noted) => {
        const value = checkValue(request.value);
        const info = await provider.write(place, value, checkedWords(request, caller.principal));
        noted.version = info.version;
        return info;
      }),

    list: (caller, tenant, query = {}) => {
      const target = { tenant, name: query.prefix ?? '' };
      return access.perform({ caller, operation: 'list', target, about: 'prefix' }, async (place, noted) => {
        const page = await provider.list(place.tenant, checkedList(query));
        noted.details.names = page.names.length;
        return page;
      });
    },

    describe: (caller, target) => perform(caller, 'describe', target, (place) => provider.describe(place)),

    compare: (caller, target, from, to) =>
      perform(caller, 'compare', target, async (place, noted) => {
        const [before, after] = [await readThrough(place, from, noted), await readThrough(place, to, noted)];
        noted.details.from = before.version.version;
        noted.details.to = after.version.version;
        return { from: before.version, to: after.version, changes: compareValues(before.value, after.value) };
      }),

    rollback: (caller, target, targetVersion) =>
      perform(caller, 'rollback', target, async (place, noted) => {
        checkVersionReference(targetVersion);
        for (let attempt = 1; ; attempt++) {
          const current = await currentOf(place);
          const { value, version } = await provider.read(place, targetVersion);
          noted.details.target = version.version;
          try {
            const words = { author: caller.principal, description: `rollback to version ${version.version}` };
            const info = await provider.write(place, value, { ...words, cas: current });
            noted.version = info.version;
            return info;
          } catch (error) {
            const lost = error instanceof SecretError && error.code === 'SECRET_CONFLICT';
            if (!lost || attempt >= ROLLBACK_ATTEMPTS) throw error;
          }
        }
      }),

    deleteVersions: (caller, target, versions) =>
      perform(caller, 'delete', target, async (place, noted) => {
        const numbers = versions === undefined ? [await currentOf(place)] : checkedVersions(versions);
        noted.details.versions = numbers.join(' ');
        await provider.deleteVersions(place, numbers);
      }),

    undelete: (caller, target, versions) =>
      perform(caller, 'undelete', target, async (place, noted) => {
        noted.details.versions = checkedVersions(versions).join(' ');
        await provider.undelete(place, checkedVersions(versions));
      }),

    destroy: (caller, target, versions) =>
      perform(caller, 'destroy', target, async (place, noted) => {
        noted.details.versions = checkedVersions(versions).join(' ');
        await provider.destroy(place, checkedVersions(versions));
      }),

    remove: (caller, target) =>
      perform(caller, 'remove', target, async (place) => {
        // Providers take a removal that was done for done; a caller who mistyped the name wants to know.
        await provider.describe(place);
        await provider.remove(place);
      }),

    changeMetadata: (caller, target, change) =>
      perform(caller, 'metadata', target, (place) => provider.changeMetadata(place, checkedChange(change))),

    use: (caller, target, request) =>
      perform(caller, 'use', target, async (place, noted) => {
        const { tool, principal, session, certificateId } = request;
        Object.assign(noted.details, { tool, for: principal, session, certificate: certificateId });
        if (request.field !== null) noted.details.field = request.field;
        const secret = await readThrough(place, 'current', noted);
        return { value: usedField(secret.value, request.field), version: secret.version.version };
      }),

    liveValues: (caller, tenant, name) => {
      const asked: Asked = {
        caller,
        operation: 'fingerprint',
        target: { tenant, name: name ?? '' },
        about: name === undefined ? 'tenant' : 'secret',
      };
      // Past the cache: a walk over everything would push out what is in use.
      return access.stream(asked, async function* (place, noted) {
        let values = 0;
        noted.details.values = values;
        const walk =
          name === undefined
            ? liveValuesOfTenant(guarded, place.tenant, clock, liveForMs)
            : await liveValuesOf(guarded, place, clock(), liveForMs);
        for await (const value of walk) {
          noted.details.values = ++values;
          yield value;
        }
      });
    },

    admit: (caller, operation, target) =>
      access.admit({ caller, operation, target, about: target.name === '' ? 'tenant' : 'secret' }),

    async perform(caller, operation, target, work) {
      const about = target.name === '' ? 'tenant' : 'secret';
      // Others have errors of their own; what cannot be put on record comes before them.
      let own: { readonly error: unknown } | undefined;
      const noting = (place: SecretPlace) =>
        work(place).catch((error: unknown) => {
          own = { error };
          throw error;
        });
      return access.perform({ caller, operation, target, about }, noting).catch((error: unknown) => {
        const unrecorded = error instanceof SecretError && error.code === 'AUDIT_UNAVAILABLE';
        throw own === undefined || unrecorded ? error : own.error;
      });
    },

    eraseTenant: (caller, tenant) => {
      const target = { tenant, name: '' };
      return access.perform(
        { caller, operation: 'remove', target, about: 'tenant' },
        async (place, noted) => {
          noted.details.whole_tenant = true;
          if (options.eraseTenant === undefined)
            throw new SecretError(
              'PROVIDER_UNSUPPORTED',
              'expected a provider that can erase a whole tenant',
            );
          const names = await allNames(guarded, place.tenant);
          await options.eraseTenant(place.tenant);
          for (const name of names) await provider.changed({ tenant: place.tenant, name });
        },
      );
    },

    onChange: (handler) => provider.onChange(handler),

    async health() {
      return { sealed: options.sealed?.() ?? false, problems: await problemsOf(guarded) };
    },

    close: () => provider.close(),
  };
}

async function allNames(provider: SecretProvider, tenant: SecretTenant): Promise<readonly SecretName[]> {
  const names: SecretName[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: NamePage = await provider.list(tenant, {
      prefix: '',
      limit: 1000,
      ...(cursor && { cursor }),
    });
    names.push(...page.names);
    cursor = page.cursor;
  }
  return names;
}

async function problemsOf(provider: SecretProvider): Promise<readonly string[]> {
  try {
    return await provider.health();
  } catch {
    return ['the provider does not answer'];
  }
}
