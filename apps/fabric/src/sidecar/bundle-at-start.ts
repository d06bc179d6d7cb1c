import type { JsonObject } from '@provability-fabric/kernel';
import { type CompiledBundle, type LoadedBundle, loadBundle } from '@provability-fabric/policy';
import { LedgerError, type PublishedBundles, type SignedBundle } from '@provability-fabric/storage';
import type { Logger } from 'pino';
import type { DataFolder } from '../data-folder.ts';
import { FabricError } from '../errors.ts';
import { readCompiledJson, sameSources } from './compiled-json.ts';

export interface StartOptions {
  readonly published: Pick<PublishedBundles, 'newest' | 'publish'>;
  readonly folder: Pick<DataFolder, 'bundles' | 'crypto'>;
  readonly configured: CompiledBundle;
  readonly log: Pick<Logger, 'warn'>;
  /** ms since 1970. */
  now(): number;
}

/** Of two that start at once with different versions, one has to look again. */
const ATTEMPTS = 5;

/**
 * The highest version that the configuration, the database or this data folder knows; from then on the database
 * knows it as well, and every fabric on it. So a restart with a configuration that is behind undoes nothing, and a
 * database that was put back from a backup is brought up again. Throws by name where one version has two contents.
 */
export async function bundleAtStart(options: StartOptions): Promise<CompiledBundle> {
  const { configured, log } = options;
  const chosen = await publishedHighest(options);
  const { version } = chosen.ir;
  if (version > configured.version) {
    const overtaken = { bundle: configured.name, version: configured.version };
    log.warn(
      { event: 'bundle_overtaken', tags: [], ...overtaken, in_force: version, digest: chosen.digest },
      'a higher version was activated than the configured one',
    );
  }
  return chosen.ir;
}

async function publishedHighest(options: StartOptions): Promise<LoadedBundle> {
  const { published, configured, now } = options;
  for (let attempt = 1; ; attempt++) {
    const { signed } = await published.newest(configured.name);
    const highest = await highestOf(options, signed);
    if (signed !== null && signed.version === highest.ir.version) return highest;
    const publishing = { by: 'configuration', at: now(), mayBeFirst: true };
    const json = highest.ir as unknown as JsonObject;
    const answer = await published.publish({ tenant: null }, json, publishing);
    if (answer.ok) return highest;
    if (attempt === ATTEMPTS) throw new FabricError('BUNDLE_ROLLBACK', answer.problem);
  }
}

async function highestOf(
  { folder, configured }: StartOptions,
  signed: SignedBundle | null,
): Promise<LoadedBundle> {
  const own = loadBundle(configured, folder.crypto);
  const kept = await keptIn(folder, configured.name);
  // Before anybody else is told of it: what this folder would refuse is not published.
  if (kept !== undefined) requireSame(own, kept);
  const here = kept !== undefined && kept.ir.version > own.ir.version ? kept : own;
  if (signed === null || signed.version < here.ir.version || signed.digest === here.digest) return here;
  const there = await contentOf(folder, signed);
  if (signed.version > here.ir.version) return there;
  requireSame(here, there);
  return here;
}

/** One version has one content, or it is the work of two releases of the compiler on the same sources. */
function requireSame(own: LoadedBundle, activated: LoadedBundle): void {
  const { name, version } = activated.ir;
  if (own.ir.version !== version || own.digest === activated.digest || sameSources(own.ir, activated.ir))
    return;
  throw new FabricError(
    'BUNDLE_ROLLBACK',
    `version ${version} of bundle \`${name}\` was activated with other content; publish the content you want as ` +
      `version ${version + 1}`,
  );
}

/** The highest that was in force in this folder; undefined for one that this release cannot run. */
async function keptIn(
  { bundles, crypto }: StartOptions['folder'],
  name: string,
): Promise<LoadedBundle | undefined> {
  const highest = bundles.list().findLast((bundle) => bundle.name === name);
  if (highest === undefined) return undefined;
  const read = readCompiledJson(await bundles.read(highest.digest), crypto);
  return read.ok ? read.loaded : undefined;
}

/** Nothing older in its place: what a key of this ledger signed was in force somewhere. */
async function contentOf(
  { bundles, crypto }: StartOptions['folder'],
  { name, version, digest, content }: SignedBundle,
): Promise<LoadedBundle> {
  const json = content ?? (await bundles.read(digest).catch(() => undefined));
  if (json === undefined) {
    throw new LedgerError(
      'LEDGER_CORRUPT',
      `the content of bundle \`${name}\` version ${version} in the database is not what was signed; publish it as ` +
        `version ${version + 1}, or restore the row`,
    );
  }
  const read = readCompiledJson(json, crypto);
  if (read.ok) return read.loaded;
  throw new FabricError(
    'BUNDLE_INVALID',
    `bundle \`${name}\` version ${version}, the newest in the database, does not run in this release: ${read.problem}`,
  );
}
