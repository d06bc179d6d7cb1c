import type { SignerRole } from '../gate/signer.ts';
import type { AutonomyTier, SandboxDemand } from './plan.ts';

/** A text that a change may not add. */
export interface DenyPattern {
  /** Shown where it is found; the pattern itself where the file gives no name. */
  readonly name: string;
  /** In RE2's syntax. */
  readonly pattern: string;
  /** Path patterns of the files it is looked for in; null: all, and test commands. */
  readonly paths: readonly string[] | null;
}

/** Of files: create, modify, delete, chmod. Of the lines of an edit: replace, insert, delete. */
export const OPERATION_WORDS = ['create', 'modify', 'delete', 'chmod', 'replace', 'insert'] as const;
export type OperationWord = (typeof OPERATION_WORDS)[number];

/** policy.yaml with its defaults filled in. */
export interface PolicySettings {
  readonly version: number | null;
  readonly restores: number | null;
  readonly safe_mode: boolean;
  readonly autonomy_tier: AutonomyTier;
  readonly require_tests: boolean;
  readonly allow_paths: readonly string[];
  readonly deny_paths: readonly string[];
  readonly deny_patterns: readonly DenyPattern[];
  /** Names of built-in patterns that are not looked for. */
  readonly allow_patterns: readonly string[];
  readonly allowed_operations: readonly OperationWord[];
  readonly max_edit_size_bytes: number;
  readonly max_total_size_bytes: number;
  readonly max_files_per_manifest: number;
  readonly min_rationale_length: number;
  readonly allow_binary: boolean;
  readonly binary_paths: readonly string[];
  readonly generated_paths: readonly string[];
  readonly generated_markers: readonly string[];
  readonly allow_generated: boolean;
  readonly allow_mode_changes: boolean;
  /** Path patterns of files in which what looks like a secret is none. */
  readonly secret_fixtures: readonly string[];
  /** ms. */
  readonly max_validity: number;
  readonly signatures: {
    readonly required: number;
    readonly keys: readonly string[] | null;
    readonly roles: readonly SignerRole[] | null;
  };
  readonly sandbox: SandboxDemand;
  readonly test_commands: readonly string[];
  readonly git: { readonly commit: boolean; readonly sign: boolean };
}
