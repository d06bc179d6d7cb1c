import { compileCedar } from '@provability-fabric/bundle';
import { createSecretRules } from '@provability-fabric/detect';
import { nodeCrypto } from '@provability-fabric/evidence';
import { digestOf, utf8 } from '@provability-fabric/kernel';
import type { FileChange, TreeFile } from '../change.ts';
import type { Signer } from '../gate/signer.ts';
import type { Edit, FileMode } from '../manifest/manifest.ts';
import type { CompileCedar } from '../ports.ts';
import type { SecretScan } from './content-rules.ts';
import { type LoadedPolicy, loadGovernorPolicy } from './load-policy.ts';
import type { PlanInput, PlanResult } from './plan.ts';

const crypto = nodeCrypto();
const secrets = createSecretRules();

const known = new Map<string, ReturnType<CompileCedar>>();

/** Compiled once per text: many tests load the same settings, and cedar-wasm takes its time. */
const compile: CompileCedar = (sources) => {
  const { text } = sources.policies;
  const compiled = known.get(text) ?? compileCedar(sources);
  known.set(text, compiled);
  return compiled;
};

/** The policy of the deployment guide, whose words have to go on working. */
export const GUIDE_POLICY = `safe_mode: true
autonomy_tier: beta
allow_paths:
  - src/
  - tests/
deny_paths:
  - .git/
  - config/keys/
max_edit_size_bytes: 65536
max_total_size_bytes: 524288
`;

/** Lets everything through that policy.yaml can let through. */
export const OPEN_POLICY = `safe_mode: false
autonomy_tier: stable
require_tests: false
allow_binary: true
allow_generated: true
allow_mode_changes: true
`;

export function loadPolicy(text: string, cedar?: string, scan: SecretScan = secrets): Promise<LoadedPolicy> {
  const source = { path: 'policy.yaml', text };
  return loadGovernorPolicy(
    cedar === undefined ? source : { ...source, cedar: { path: 'policy.cedar', text: cedar } },
    {
      crypto,
      compile,
      secrets: scan,
    },
  );
}

function treeFile(content: Content, mode: FileMode = '100644'): TreeFile {
  const bytes = typeof content === 'string' ? utf8(content) : content;
  return { bytes, digest: digestOf(crypto, bytes), mode };
}

export type Content = string | Uint8Array;

/** What one file was and is; null: not there. */
export interface Written {
  readonly before?: Content | null;
  readonly after: Content | null;
  readonly mode?: FileMode;
  readonly beforeMode?: FileMode;
}

export interface PlanOptions {
  readonly tests?: readonly string[];
  readonly rationale?: string;
  readonly edits?: readonly Edit[];
  readonly targets?: readonly string[];
  /** Paths of the tree besides those that the change modifies or deletes. */
  readonly tree?: readonly string[];
  readonly signers?: readonly Signer[];
  readonly purpose?: PlanInput['purpose'];
}

const isContent = (written: Content | Written): written is Content =>
  typeof written === 'string' || written instanceof Uint8Array;

/** A change that writes whole files, as a plan sees it. */
export function planInput(
  files: Readonly<Record<string, Content | Written>>,
  options: PlanOptions = {},
): PlanInput {
  const changes = Object.entries(files).map(([path, written]): FileChange => {
    const { before = null, after, mode, beforeMode } = isContent(written) ? { after: written } : written;
    return {
      path,
      before: before === null ? null : treeFile(before, beforeMode),
      after: after === null ? null : treeFile(after, mode),
    };
  });
  const edited = new Set(options.edits?.map(({ path }) => path));
  const there = changes.filter(({ before }) => before !== null).map(({ path }) => path);
  return {
    manifest: {
      version: '1.0.0',
      targets: options.targets ?? changes.map(({ path }) => path),
      edits: options.edits ?? [],
      diffs: [],
      files: changes
        .filter(({ path }) => !edited.has(path))
        .map(({ path, before, after }) => ({
          path,
          base: before?.digest ?? null,
          content: after && { base64: Buffer.from(after.bytes).toString('base64') },
        })),
      tests: options.tests ?? [],
      rationale: options.rationale ?? 'the tests of this file need it',
    },
    changes,
    paths: [...(options.tree ?? []), ...there].sort(),
    signers: options.signers ?? [],
    purpose: options.purpose ?? 'plan',
  };
}

/** Names of the rules that block. */
export function blocking({ rules }: PlanResult): readonly string[] {
  return rules.filter(({ verdict }) => verdict === 'blocked').map(({ rule }) => rule);
}
