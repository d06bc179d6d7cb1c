import type { Diagnostics } from './diagnostics.ts';

/** The files of a bundle: text by path within its folder, `/` between segments. */
export interface BundleSources {
  readonly files: ReadonlyMap<string, string>;
}

export const BUNDLE_FILE = 'bundle.yaml';
export const POLICY_FILE = 'policy.cedar';
export const SCHEMA_FILE = 'schema.cedarschema';
export const TEST_FILE = /^tests\/[A-Za-z0-9._-]{1,200}\.yaml$/;

/** Sizes that the compiler answers for; a bundle beyond them is refused before it is read. */
export const MAX_FILE_BYTES = 1_000_000;
export const MAX_FILES = 1000;
export const MAX_CLAUSES = 10_000;

export function testFiles(sources: BundleSources): readonly string[] {
  return [...sources.files.keys()].filter((path) => TEST_FILE.test(path)).sort();
}

/** What can be said of the files without reading them. */
export function checkSources(sources: BundleSources, found: Diagnostics): void {
  for (const file of [BUNDLE_FILE, POLICY_FILE]) {
    if (sources.files.has(file)) continue;
    found.error('FILE_MISSING', startOf(file), {
      message: `expected a file \`${file}\` in the bundle, came none`,
      mend: `add \`${file}\`, or let \`pfctl init\` write one`,
    });
  }
  if (sources.files.size > MAX_FILES) {
    found.error('TOO_MANY', startOf(BUNDLE_FILE), {
      message: `expected at most ${MAX_FILES} files in a bundle, came \`${sources.files.size}\``,
      mend: 'put several cases into one file of tests/',
    });
  }
  for (const [file, text] of sources.files) {
    if (![BUNDLE_FILE, POLICY_FILE, SCHEMA_FILE].includes(file) && !TEST_FILE.test(file)) {
      found.error('FILE_UNEXPECTED', startOf(BUNDLE_FILE), {
        message: `expected only ${BUNDLE_FILE}, ${POLICY_FILE}, ${SCHEMA_FILE} and tests/*.yaml, came \`${file.slice(0, 60)}\``,
        mend: 'rename it, or keep it outside of the bundle',
      });
    }
    // A UTF-16 unit is at least one byte of UTF-8, so this bounds the work without encoding the text.
    if (text.length <= MAX_FILE_BYTES) continue;
    found.error('FILE_TOO_LARGE', startOf(file), {
      message: `expected a file of at most ${MAX_FILE_BYTES} bytes, came \`${text.length}\``,
      mend: 'split the bundle, or move test cases into another file',
    });
  }
}

export function startOf(file: string) {
  return { file, line: 1, column: 1 };
}
