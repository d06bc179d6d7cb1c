// Every compiled bundle that was ever in force, by digest: a certificate names one, and a verifier needs it
// to derive the verdict again.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  asDigest,
  type Crypto,
  canonicalBytes,
  type Digest,
  digestOf,
  equalBytes,
  field,
  isJsonObject,
  JsonError,
  type JsonObject,
  requireCanonical,
} from '@provability-fabric/kernel';
import { createFile, ensureFolder } from './durable-files.ts';
import { EvidenceError, hasSystemCode } from './errors.ts';

export interface StoredBundle {
  readonly name: string;
  readonly version: number;
  readonly digest: Digest;
}

/** A stored bundle, and whom it decides for. */
export interface ArchivedBundle extends StoredBundle {
  readonly tenants: readonly string[];
}

/** Versions only go up (CONTRACTS §2): what was activated is remembered by being here. */
export interface BundleArchive {
  /**
   * Stores a bundle on its way into force, durably; storing it again changes nothing. Throws BUNDLE_ROLLBACK
   * for a version below the highest of its name, or equal to it with other content.
   */
  activate(bundle: JsonObject): Promise<StoredBundle>;
  /** The bundle of a digest; throws BUNDLE_MISSING. */
  read(digest: Digest): Promise<JsonObject>;
  /** Everything that was ever in force, by name and version. */
  list(): readonly ArchivedBundle[];
  /** 0 where no bundle of this name was ever activated. */
  highestVersion(name: string): number;
}

/** Opens `<data>/bundles`, reading every bundle: one whose content is not that of its name is refused. */
export async function openBundleArchive(options: {
  readonly directory: string;
  readonly crypto: Crypto;
}): Promise<BundleArchive> {
  const { directory, crypto } = options;
  await ensureFolder(directory);
  const all = new Map<Digest, ArchivedBundle>();
  const highest = new Map<string, { readonly stored: StoredBundle; readonly bundle: JsonObject }>();
  for (const name of (await readdir(directory)).sort()) {
    const digest = /^([0-9a-f]{64})\.json$/.exec(name)?.[1];
    if (digest === undefined) continue;
    const bundle = await readBundle(crypto, directory, asDigest(digest));
    const stored = identify(bundle, asDigest(digest));
    all.set(stored.digest, { ...stored, tenants: tenantsOf(bundle) });
    const top = highest.get(stored.name)?.stored;
    if (stored.version > (top?.version ?? 0)) highest.set(stored.name, { stored, bundle });
  }

  return {
    async activate(bundle) {
      const bytes = canonicalBytes(bundle);
      const stored = identify(bundle, digestOf(crypto, bytes));
      const top = highest.get(stored.name);
      if (top !== undefined && top.stored.digest !== stored.digest) {
        const recompiled = stored.version === top.stored.version && sameSources(bundle, top.bundle);
        if (stored.version <= top.stored.version && !recompiled) throw rollback(stored, top.stored);
      }
      try {
        await createFile(join(directory, `${stored.digest}.json`), bytes, 0o644);
      } catch (error) {
        if (!hasSystemCode(error, 'EEXIST')) throw unwritable(error);
        await readBundle(crypto, directory, stored.digest);
      }
      highest.set(stored.name, { stored, bundle });
      all.set(stored.digest, { ...stored, tenants: tenantsOf(bundle) });
      return stored;
    },
    read: (digest) => readBundle(crypto, directory, digest),
    list: () =>
      [...all.values()].sort((a, b) =>
        a.name === b.name ? a.version - b.version : a.name < b.name ? -1 : 1,
      ),
    highestVersion: (name) => highest.get(name)?.stored.version ?? 0,
  };
}

async function readBundle(crypto: Crypto, directory: string, digest: Digest): Promise<JsonObject> {
  const path = join(directory, `${digest}.json`);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (!hasSystemCode(error, 'ENOENT')) throw error;
    throw new EvidenceError(
      'BUNDLE_MISSING',
      `expected bundle \`${path}\`, got none; put it back from a backup`,
    );
  }
  if (digestOf(crypto, bytes) !== digest) {
    throw new EvidenceError(
      'BUNDLE_MALFORMED',
      `expected bundle \`${path}\` to have the digest that it is named after; it was changed: put it back from a backup`,
    );
  }
  try {
    const bundle = requireCanonical(bytes);
    if (isJsonObject(bundle)) return bundle;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw new EvidenceError(
    'BUNDLE_MALFORMED',
    `expected bundle \`${path}\` to be an object in canonical JSON`,
  );
}

function tenantsOf(bundle: JsonObject): readonly string[] {
  const tenants = field(bundle, 'tenants');
  return Array.isArray(tenants) ? tenants.filter((tenant) => typeof tenant === 'string') : [];
}

function identify(bundle: JsonObject, digest: Digest): StoredBundle {
  const name = field(bundle, 'name');
  const version = field(bundle, 'version');
  if (typeof name === 'string' && name !== '' && Number.isSafeInteger(version) && (version as number) > 0) {
    return { name, version: version as number, digest };
  }
  throw new EvidenceError(
    'BUNDLE_MALFORMED',
    `expected bundle \`${digest}\` to have a name and a version of at least 1`,
  );
}

function sameSources(a: JsonObject, b: JsonObject): boolean {
  const [ours, theirs] = [field(a, 'sources'), field(b, 'sources')];
  if (ours === undefined || theirs === undefined || field(a, 'compiler') === field(b, 'compiler'))
    return false;
  return equalBytes(canonicalBytes(ours), canonicalBytes(theirs));
}

function rollback(asked: StoredBundle, top: StoredBundle): EvidenceError {
  const problem =
    asked.version === top.version
      ? `version ${asked.version} of bundle \`${asked.name}\` was activated with other content`
      : `bundle \`${asked.name}\` was activated in version ${top.version}, which is above ${asked.version}`;
  return new EvidenceError(
    'BUNDLE_ROLLBACK',
    `${problem}; publish the content you want as version ${top.version + 1}`,
  );
}

function unwritable(cause: unknown): EvidenceError {
  return new EvidenceError('EVIDENCE_UNAVAILABLE', 'the bundle could not be stored', { cause });
}
