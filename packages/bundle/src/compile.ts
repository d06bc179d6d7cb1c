import {
  type Crypto,
  canonicalJson,
  type Digest,
  digestJson,
  digestOf,
  type JsonValue,
  parseJsonBytes,
  strictCanonicalBytes,
  utf8,
} from '@provability-fabric/kernel';
import {
  BUNDLE_FORMAT,
  type CompiledBundle,
  parseCompiledBundle,
  parseInstant,
} from '@provability-fabric/policy';
import type { CedarIr } from '@provability-fabric/policy/cedar';
import { compileAutomata } from './automata.ts';
import { compileCedar } from './cedar/index.ts';
import { checkCedarNames } from './cedar-names.ts';
import { compileClauses } from './clauses.ts';
import type { Compilation } from './compilation.ts';
import { checkCoverage } from './coverage.ts';
import { Diagnostics } from './diagnostics.ts';
import { compileDocuments } from './documents.ts';
import type { CompileError, CompileWarning } from './errors.ts';
import { compileHandles, withExtractTool } from './handles.ts';
import { checkExtractions } from './idle-extractions.ts';
import { checkLaundering } from './laundering.ts';
import { checkLimits } from './limits.ts';
import { checkNames } from './names.ts';
import { checkPlaceholders } from './placeholders.ts';
import { checkReleases } from './releases.ts';
import { checkPlaces } from './result-fields.ts';
import { compileSecrets } from './secrets.ts';
import { bundleShape } from './shape/bundle-shape.ts';
import { readShape } from './shape/read-shape.ts';
import {
  BUNDLE_FILE,
  type BundleSources,
  checkSources,
  POLICY_FILE,
  SCHEMA_FILE,
  startOf,
} from './sources.ts';
import { compileStores } from './stores.ts';
import { checkTestNames, parseTestCases } from './test-cases.ts';
import { compileTools } from './tools.ts';
import { checkArguments } from './unknown-arguments.ts';
import { checkExpiries, checkPermits } from './warnings.ts';
import { readYaml } from './yaml/read-yaml.ts';

/** Part of every bundle and so of its digest. To be raised whenever the same sources give another bundle. */
const COMPILER = 'provability-fabric/compiler/3';

export type CompiledSources =
  | {
      readonly ok: true;
      readonly bundle: CompiledBundle;
      /** SHA-256 of `bytes`. */
      readonly digest: Digest;
      /** The bundle in canonical JSON: `bundle.json`. */
      readonly bytes: Uint8Array;
      readonly warnings: readonly CompileWarning[];
    }
  | {
      readonly ok: false;
      readonly errors: readonly CompileError[];
      readonly warnings: readonly CompileWarning[];
    };

export interface CompileOptions {
  /** ms since the epoch, for warnings of what has expired; none without it. Never changes the bundle. */
  readonly now?: number;
}

/**
 * Sources to one canonical bundle: same sources, same bytes. Names everything that is wrong; only a
 * faultless bundle is one.
 */
export async function compileBundle(
  sources: BundleSources,
  crypto: Crypto,
  options: CompileOptions = {},
): Promise<CompiledSources> {
  const found = new Diagnostics();
  checkSources(sources, found);
  if (found.failed) return failure(found);

  const cedar = await compilePolicies(sources, found);
  const yaml = readYaml(BUNDLE_FILE, sources.files.get(BUNDLE_FILE) as string, found);
  const document = yaml && readShape(bundleShape, yaml, found);
  const cases = parseTestCases(sources, document?.tenants[0], found);
  if (yaml === undefined || document === undefined) return failure(found);

  const compilation: Compilation = { document, locations: yaml.locations, found };
  const draft = compileDraft(compilation, cedar);
  checkPlaceholders(yaml, found);
  checkTestNames(cases, draft.clauses, cedar !== undefined, compilation);
  if (cedar !== undefined) checkPermits(cedar, found);
  if (options.now !== undefined) checkExpiries(compilation, options.now);
  if (found.failed || cedar === undefined) return failure(found);

  const bytes = strictCanonicalBytes(complete(draft, cedar, sources, crypto) as unknown as JsonValue);
  // Read back, so that a bundle from here and the same bundle from a file behave alike, down to the order of
  // their maps.
  const bundle = parseCompiledBundle(parseJsonBytes(bytes));
  return { ok: true, bundle, digest: digestOf(crypto, bytes), bytes, warnings: found.warnings() };
}

function failure(found: Diagnostics): CompiledSources {
  return { ok: false, errors: found.errors(), warnings: found.warnings() };
}

async function compilePolicies(sources: BundleSources, found: Diagnostics): Promise<CedarIr | undefined> {
  const policies = { path: POLICY_FILE, text: sources.files.get(POLICY_FILE) as string };
  const schema = sources.files.get(SCHEMA_FILE);
  if (schema === undefined) {
    found.warning('SCHEMA_MISSING', startOf(SCHEMA_FILE), {
      message: `expected a file \`${SCHEMA_FILE}\`, came none: policies are not validated`,
      mend: 'add the one that `pfctl init` writes',
    });
  }
  const compiled = await compileCedar({
    policies,
    ...(schema === undefined ? {} : { schema: { path: SCHEMA_FILE, text: schema } }),
    requireIds: true,
  });
  const problems = compiled.ok ? compiled.warnings : compiled.errors;
  for (const { file, line, column, clause, message, mend } of problems) {
    const place = { file, line, column };
    if (compiled.ok) found.warning('CEDAR_WARNING', place, { clause, message, mend });
    else found.error('CEDAR_INVALID', place, { clause, message, mend });
  }
  return compiled.ok ? compiled.ir : undefined;
}

type Draft = Omit<CompiledBundle, 'cedar' | 'sources' | 'hashes'>;

/** Everything that bundle.yaml says, each name resolved; what is wrong with it goes to `found`. */
function compileDraft(compilation: Compilation, cedar: CedarIr | undefined): Draft {
  const { document, locations, found } = compilation;
  checkNames(compilation);
  const errorsBefore = found.errorCount;
  const stores = compileStores(compilation);
  const storesAreSound = found.errorCount === errorsBefore;
  const handles = compileHandles(compilation);
  const tools = withExtractTool(compileTools(compilation), handles);
  const secrets = compileSecrets(compilation);
  const documents = compileDocuments(compilation);
  const clauses = compileClauses(cedar, compilation);
  if (cedar !== undefined) checkCedarNames(cedar, compilation);
  checkCoverage({ tools, documents }, clauses, compilation);
  checkLimits(tools, clauses, compilation);
  checkReleases(tools, clauses, compilation);
  checkPlaces(tools, compilation);
  checkExtractions(handles, tools, clauses, compilation);
  if (cedar !== undefined) checkArguments(cedar, tools, clauses, compilation);
  if (storesAreSound) checkLaundering(stores, tools, compilation);
  if (document.assurance === 'high' && document.default_mode !== 'enforce') {
    found.error('ASSURANCE_MODE', locations.value('default_mode'), {
      message: `expected default_mode enforce under \`assurance: high\`, came \`${document.default_mode}\``,
      mend: 'enforce default deny, or compile with `assurance: standard`',
    });
  }
  return {
    format: BUNDLE_FORMAT,
    name: document.name,
    version: document.version,
    owner: document.owner,
    expires: document.expires === undefined ? null : (parseInstant(document.expires) ?? null),
    tenants: [...new Set(document.tenants)].sort(),
    assurance: document.assurance,
    default_mode: document.default_mode,
    compiler: COMPILER,
    constants: Object.fromEntries(
      Object.entries(document.constants).map(([set, values]) => [set, distinct(values)]),
    ),
    tools,
    documents,
    stores,
    clauses,
    ...(handles === undefined ? {} : { handles }),
    ...(secrets === undefined ? {} : { secrets }),
    automata: compileAutomata(clauses),
  };
}

/** A set of constants in one form: each value once, in the order of their canonical texts. */
function distinct(values: readonly JsonValue[]): readonly JsonValue[] {
  const byText = new Map(values.map((value) => [canonicalJson(value), value]));
  return [...byText.keys()].sort().map((text) => byText.get(text) as JsonValue);
}

function complete(draft: Draft, cedar: CedarIr, { files }: BundleSources, crypto: Crypto): CompiledBundle {
  const { tools, stores, documents, constants, automata, clauses, handles, secrets } = draft;
  const releases = clauses.filter((clause) => clause.kind === 'release');
  const digest = (value: unknown) => digestJson(crypto, value as JsonValue);
  const policy = { [POLICY_FILE]: files.get(POLICY_FILE), [SCHEMA_FILE]: files.get(SCHEMA_FILE) ?? null };
  return {
    ...draft,
    cedar,
    sources: Object.fromEntries([...files].map(([path, text]) => [path, digestOf(crypto, utf8(text))])),
    hashes: {
      policy: digest(policy),
      automata: digest(automata),
      labeler: digest({
        ...{ tools, stores, documents, constants, releases },
        ...(handles && { handles }),
        ...(secrets && { secrets }),
      }),
    },
  };
}
