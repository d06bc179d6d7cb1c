import { isAbsolute, normalize } from 'node:path/posix';
import { isMap } from 'yaml';
import { SIGNER_ROLES } from '../gate/signer.ts';
import type { SandboxTier } from '../sandbox/sandbox.ts';
import { DANGEROUS_PATTERNS } from './dangerous-patterns.ts';
import { denyPatternProblem } from './deny-patterns.ts';
import { pathPatternProblem } from './path-pattern.ts';
import type { AutonomyTier } from './plan.ts';
import { Problems, parsePolicyDocument } from './policy-document.ts';
import { type DenyPattern, OPERATION_WORDS, type PolicySettings } from './settings.ts';
import {
  byteSize,
  decimal,
  duration,
  flag,
  list,
  mapping,
  oneOf,
  optional,
  type Read,
  text,
  wholeNumber,
} from './value-readers.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const MAX_PATTERNS = 1000;

const paths = list(text(512, pathPatternProblem), MAX_PATTERNS);

const namedPattern: Read<DenyPattern> = (node, refuse) => {
  const pattern = text(1000, denyPatternProblem);
  if (!isMap(node)) {
    const written = pattern(node, refuse);
    return written === undefined ? undefined : { name: written, pattern: written, paths: null };
  }
  const read = mapping<{ name: string | null; pattern: string | null; paths: readonly string[] | null }>({
    name: { read: text(100), otherwise: null },
    pattern: { read: pattern, otherwise: null },
    paths: { read: paths, otherwise: null },
  })(node, refuse);
  if (read === undefined) return undefined;
  if (read.pattern === null) return refuse(node, 'expected `pattern`, came an entry without it');
  return { name: read.name ?? read.pattern, pattern: read.pattern, paths: read.paths };
};

function readOnlyFolderProblem(path: string): string | undefined {
  const isPlain = isAbsolute(path) && normalize(path) === path && path !== '/';
  return isPlain ? undefined : 'expected an absolute folder without `//`, `.` and `..`, other than `/`';
}

const SANDBOX: Parameters<typeof mapping<SandboxFile>>[0] = {
  tier: { read: oneOf<SandboxTier>(['rlimits', 'cgroups']), otherwise: 'cgroups' },
  timeout: { read: duration(1000, 3_600_000), otherwise: 300_000 },
  memory: { read: byteSize(16 * MIB, 64 * GIB), otherwise: 512 * MIB },
  pids: { read: wholeNumber(1, 10_000), otherwise: 100 },
  cpus: { read: decimal(0.05, 64), otherwise: 1 },
  file_size: { read: byteSize(4 * KIB, 64 * GIB), otherwise: 64 * MIB },
  disk: { read: byteSize(MIB, 64 * GIB), otherwise: 512 * MIB },
  output: { read: byteSize(KIB, 64 * MIB), otherwise: MIB },
  read_only: { read: list(text(1000, readOnlyFolderProblem), 50), otherwise: [] },
};

interface SandboxFile {
  readonly tier: SandboxTier;
  readonly timeout: number;
  readonly memory: number;
  readonly pids: number;
  readonly cpus: number;
  readonly file_size: number;
  readonly disk: number;
  readonly output: number;
  readonly read_only: readonly string[];
}

type SettingsFile = Omit<PolicySettings, 'sandbox'> & { readonly sandbox: SandboxFile };

const SIGNATURES = mapping<PolicySettings['signatures']>({
  required: { read: wholeNumber(1, 16), otherwise: 1 },
  keys: { read: optional(list(text(128), 100)), otherwise: null },
  roles: { read: optional(list(oneOf(SIGNER_ROLES), 3)), otherwise: null },
});

const FILE = mapping<SettingsFile>({
  version: { read: optional(wholeNumber(1, 2 ** 31)), otherwise: null },
  restores: { read: optional(wholeNumber(1, 2 ** 31)), otherwise: null },
  safe_mode: { read: flag, otherwise: true },
  autonomy_tier: { read: oneOf<AutonomyTier>(['alpha', 'beta', 'stable']), otherwise: 'alpha' },
  require_tests: { read: flag, otherwise: true },
  allow_paths: { read: paths, otherwise: [] },
  deny_paths: { read: paths, otherwise: [] },
  deny_patterns: { read: list(namedPattern, 200), otherwise: [] },
  allow_patterns: { read: list(oneOf(DANGEROUS_PATTERNS.map(({ name }) => name)), 100), otherwise: [] },
  allowed_operations: {
    read: list(oneOf(OPERATION_WORDS), OPERATION_WORDS.length),
    otherwise: ['create', 'modify', 'delete', 'chmod'],
  },
  max_edit_size_bytes: { read: byteSize(1, 64 * MIB), otherwise: 64 * KIB },
  max_total_size_bytes: { read: byteSize(1, 256 * MIB), otherwise: 512 * KIB },
  max_files_per_manifest: { read: wholeNumber(1, 10_000), otherwise: 100 },
  min_rationale_length: { read: wholeNumber(0, 10_000), otherwise: 10 },
  allow_binary: { read: flag, otherwise: false },
  binary_paths: { read: paths, otherwise: [] },
  generated_paths: { read: paths, otherwise: [] },
  generated_markers: { read: list(text(200), 50), otherwise: ['@generated', 'DO NOT EDIT'] },
  allow_generated: { read: flag, otherwise: false },
  allow_mode_changes: { read: flag, otherwise: false },
  secret_fixtures: { read: paths, otherwise: [] },
  max_validity: { read: duration(1000, 30 * 86_400_000), otherwise: 3_600_000 },
  signatures: { read: SIGNATURES, otherwise: { required: 1, keys: null, roles: null } },
  sandbox: { read: mapping(SANDBOX), otherwise: defaultsOf(SANDBOX) },
  test_commands: { read: list(text(1000), MAX_PATTERNS), otherwise: [] },
  git: {
    read: mapping<PolicySettings['git']>({
      commit: { read: flag, otherwise: false },
      sign: { read: flag, otherwise: false },
    }),
    otherwise: { commit: false, sign: false },
  },
});

function defaultsOf<Value extends object>(
  keys: {
    readonly [Key in keyof Value]: { readonly otherwise: Value[Key] };
  },
): Value {
  const entries = Object.entries<{ readonly otherwise: unknown }>(keys).map(([name, { otherwise }]) => [
    name,
    otherwise,
  ]);
  return Object.fromEntries(entries) as Value;
}

/** policy.yaml as settings. Throws POLICY_INVALID with every problem, each with file, line and column. */
export function readSettings(source: { readonly text: string; readonly path: string }): PolicySettings {
  const problems = new Problems(source.path);
  const document = parsePolicyDocument(source.text, problems);
  const file = FILE(document.contents, (node, message) => {
    problems.add(document.place(node ?? document.contents), message);
    return undefined;
  });
  if (file?.restores != null && (file.version === null || file.restores >= file.version)) {
    const start = document.place(document.contents);
    problems.add(
      start,
      '`restores`: expected a `version` above the one that is restored, came none or a lower one',
    );
  }
  problems.throwIfAny();
  const { sandbox, ...rest } = file as SettingsFile;
  return {
    ...rest,
    sandbox: {
      tier: sandbox.tier,
      timeoutMs: sandbox.timeout,
      memoryBytes: sandbox.memory,
      pids: sandbox.pids,
      cpus: sandbox.cpus,
      fileBytes: sandbox.file_size,
      diskBytes: sandbox.disk,
      outputBytes: sandbox.output,
      readOnly: sandbox.read_only,
    },
  };
}
