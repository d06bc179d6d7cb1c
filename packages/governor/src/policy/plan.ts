import type { Digest } from '@provability-fabric/kernel';
import type { FileChange } from '../change.ts';
import type { Signer } from '../gate/signer.ts';
import type { ChangeManifest } from '../manifest/manifest.ts';
import type { SandboxLimits, SandboxTier } from '../sandbox/sandbox.ts';

/** alpha: nothing is applied, only planned. beta: a person has to sign. stable: the policy alone decides. */
export type AutonomyTier = 'alpha' | 'beta' | 'stable';

/** Which policy is in force. Versions only go up. */
export interface PolicyIdentity {
  /**
   * SHA-256 of the canonical JSON of everything that decides: the parsed keys, the Cedar text, the compiler's version. Without
   * `version` and `restores`: the same content is the same policy, whatever number it goes by.
   */
  readonly digest: Digest;
  readonly version: number;
}

/** What a plan is made of. */
export interface PlanInput {
  readonly manifest: ChangeManifest;
  /** What the manifest does to the tree, one entry per target, in the order of the targets. */
  readonly changes: readonly FileChange[];
  /** All paths of the tree before the change, for collisions of names; sorted. */
  readonly paths: readonly string[];
  /** Whose signatures hold; empty for a manifest that nobody has signed yet. */
  readonly signers: readonly Signer[];
  /** `apply` also asks for tier, signatures and sandbox; `plan` shows what these would say without blocking for them. */
  readonly purpose: 'plan' | 'apply' | 'rollback';
}

export type RuleVerdict = 'passed' | 'blocked' | 'not-applicable';

/** One rule and what it said. `plan` lists all of them, also those that passed. */
export interface ExplainedRule {
  /** A stable name such as `deny_paths`, or the `@id` of a Cedar clause. */
  readonly rule: string;
  readonly verdict: RuleVerdict;
  /** For people: what was expected, what came, how to mend. Nothing of a file's content. */
  readonly detail: string;
  readonly paths: readonly string[];
}

/** As `POST /v1/policy/plan` answers it, and more. */
export interface PlanResult {
  readonly verdict: 'approved' | 'blocked';
  /** One line per rule that blocks. */
  readonly reasons: readonly string[];
  readonly blocked_paths: readonly string[];
  /** Names of the patterns that were found, never what they matched. */
  readonly blocked_patterns: readonly string[];
  readonly rules: readonly ExplainedRule[];
  readonly policy: PolicyIdentity;
}

/** A compiled policy.yaml. */
export interface GovernorPolicy {
  readonly digest: Digest;
  /** The key `version` of the file; null where it has none and the governor counts for it. */
  readonly declaredVersion: number | null;
  /** The key `restores`: which version's content this is again; null where it has none. */
  readonly restores: number | null;
  readonly tier: AutonomyTier;
  readonly safeMode: boolean;
  readonly requireTests: boolean;
  /** How many distinct signatures a manifest needs, and of which keys or roles. */
  readonly signatures: {
    readonly required: number;
    readonly keys: readonly string[] | null;
    readonly roles: readonly Signer['role'][] | null;
  };
  readonly sandbox: SandboxDemand;
  /** How long a signed manifest may be valid at most. */
  readonly maxValidityMs: number;
  /** Lands as a commit as well, where the tree is a git repository. */
  readonly git: { readonly commit: boolean; readonly sign: boolean };
  /** What the settings and the operator's own clauses come to, for people. */
  readonly cedarText: string;
  /** Pure. Never throws for what a manifest holds: an error in a rule blocks by its name. */
  evaluate(input: PlanInput, version: number): Promise<PlanResult>;
}

/** What the policy asks of the sandbox, and grants to the tests. */
export interface SandboxDemand extends SandboxLimits {
  /** Below it nothing runs. */
  readonly tier: SandboxTier;
  /** Absolute folders of the host that tests see read-only beside the system's own, such as a toolchain. */
  readonly readOnly: readonly string[];
}
