import { type Crypto, type Digest, digestJson, field, type JsonObject } from '@provability-fabric/kernel';
import { type LoadedBundle, loadBundle, parseCompiledBundle } from '@provability-fabric/policy';
import { shorten } from './difference.ts';
import type { Failures } from './failure.ts';
import type { AnyEntry } from './verify-entry.ts';

/**
 * The bundles of the file, ready to run, by digest. A statement names its bundle; nothing else says which one
 * decided.
 */
export type Bundles = ReadonlyMap<Digest, LoadedBundle>;

/**
 * Every bundle is one that a statement names, byte for byte, once, in the order in which they are first
 * named.
 */
export function verifyBundles(
  crypto: Crypto,
  files: readonly JsonObject[],
  entries: readonly AnyEntry[],
  failures: Failures,
): Bundles {
  const references = referencesOf(entries);
  const bundles = new Map<Digest, LoadedBundle>();
  const met = new Set<Digest>();
  let last = -1;
  for (const file of files) {
    const digest = digestJson(crypto, file);
    const rank = references.ranks.get(digest);
    if (met.has(digest)) {
      failures.add('BUNDLE_REPEATED', null, `expected each bundle once, came ${digest} again`);
    } else if (rank === undefined) {
      reportUnnamed(file, digest, references, failures);
    } else {
      if (rank < last)
        failures.add('BUNDLE_ORDER', null, `expected ${digest} before bundles that are named later`);
      last = Math.max(last, rank);
      const bundle = load(crypto, file, digest, failures);
      if (bundle !== undefined) bundles.set(digest, bundle);
    }
    met.add(digest);
  }
  return bundles;
}

/**
 * What the statements name. In maps, since a file that nobody signed may name and hold any number of bundles.
 */
interface References {
  /** By digest, which comes first, second and so on. */
  readonly ranks: ReadonlyMap<string, number>;
  /** By name and version as text. */
  readonly byVersion: ReadonlyMap<string, Digest>;
}

function referencesOf(entries: readonly AnyEntry[]): References {
  const ranks = new Map<string, number>();
  const byVersion = new Map<string, Digest>();
  for (const { statement } of entries) {
    if (!('bundle' in statement)) continue;
    const { name, version, digest } = statement.bundle;
    if (!ranks.has(digest)) ranks.set(digest, ranks.size);
    byVersion.set(`\`${name}\` version ${version}`, digest);
  }
  return { ranks, byVersion };
}

function reportUnnamed(
  file: JsonObject,
  digest: Digest,
  { byVersion }: References,
  failures: Failures,
): void {
  const [name, version] = [field(file, 'name'), field(file, 'version')];
  const which =
    typeof name === 'string' && typeof version === 'number' ? `\`${name}\` version ${version}` : 'one';
  const certified = byVersion.get(which);
  if (certified === undefined) {
    const message = `expected only bundles that a statement names, came ${shorten(which)} of digest ${digest}`;
    failures.add('BUNDLE_UNUSED', null, message);
  } else {
    const message = `expected bundle ${shorten(which)} of the certified digest ${certified}, came ${digest}`;
    failures.add('BUNDLE_DIGEST', null, message);
  }
}

function load(
  crypto: Crypto,
  file: JsonObject,
  digest: Digest,
  failures: Failures,
): LoadedBundle | undefined {
  try {
    const bundle = loadBundle(parseCompiledBundle(file), crypto);
    if (bundle.digest === digest) return bundle;
    failures.add(
      'BUNDLE_MALFORMED',
      null,
      `expected ${digest} to be a compiled bundle, came one with further members`,
    );
  } catch (error) {
    // Whatever breaks: a signature over its digest says who wrote a bundle, not that it is one.
    failures.add(
      'BUNDLE_MALFORMED',
      null,
      `expected ${digest} to be a compiled bundle: ${(error as Error).message}`,
    );
  }
  return undefined;
}
