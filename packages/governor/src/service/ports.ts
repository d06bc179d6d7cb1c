import type { Crypto, Digest } from '@provability-fabric/kernel';
import type { AuditPosition, ChangeEvent, RecordedFile } from '../audit/change-event.ts';
import type { FileChange, TreeFile } from '../change.ts';
import type { KillSwitch } from '../kill-switch/kill-switch.ts';
import type { GovernorPolicy, PolicyIdentity } from '../policy/plan.ts';
import type { Claims, ProposalStore, TreeLock } from '../ports.ts';
import type { Sandbox, SandboxResult } from '../sandbox/sandbox.ts';
import type { Gate } from './gate.ts';

/** A change as the record has it. */
export interface RecordedChange {
  readonly index: number;
  readonly kind: 'change-applied' | 'rollback-applied';
  readonly manifest: Digest;
  /** Of the change that this one took back. */
  readonly reverts: Digest | null;
  readonly files: readonly RecordedFile[];
  readonly merkle_root: string;
  readonly commit: string | null;
}

/**
 * What every governor of the tree has put on record, in one order. `catchUp` makes everything known that was recorded before it
 * was called; the rest answers from what is known.
 */
export interface ChangeRecord {
  catchUp(): Promise<void>;
  /** Every policy that was ever adopted, in order. */
  policies(): readonly PolicyIdentity[];
  /** By the manifest's hash or the index in the view. */
  find(wanted: Digest | number): Promise<RecordedChange | undefined>;
  /** What was begun, and whose end is nowhere on record. */
  unfinished(): readonly {
    readonly id: string;
    readonly kind: 'change-started' | 'rollback-started';
    readonly manifest: Digest | null;
    readonly reverts: Digest | null;
  }[];
  /** Whether somebody put on record, at any time, that it began to apply this very change. Reads all of the record. */
  wasBegun(id: string, manifest: Digest): Promise<boolean>;
  /** What was applied after that index, in order. */
  after(index: number): Promise<readonly RecordedChange[]>;
}

/** Durable before it resolves; otherwise throws CHANGE_AUDIT_UNAVAILABLE. */
export interface ChangeRecorder {
  record(event: ChangeEvent): Promise<{ readonly statement: Digest }>;
  /** Where a statement stands in the order of all governors; waits for it, throws CHANGE_AUDIT_UNAVAILABLE after a while. */
  positionOf(statement: Digest): Promise<AuditPosition>;
}

/** What was found of changes that a killed process had begun. */
export interface RecoveredChange {
  readonly id: string;
  readonly manifest: Digest;
  readonly reverts: Digest | null;
  readonly outcome: 'undone' | 'landed';
  readonly files: readonly RecordedFile[];
  readonly tree: { readonly before: Digest; readonly after: Digest };
  readonly commit: string | null;
}

export interface LandRequest {
  readonly id: string;
  readonly manifest: Digest;
  readonly reverts: Digest | null;
  readonly changes: readonly FileChange[];
  readonly expectedBase: Digest;
  /** Of the private copy that its tests ran on; null where none ran. Anything else is STALE_BASE, before a file is touched. */
  readonly expectedAfter: Digest | null;
  /** Throws where the tree's lock was lost meanwhile; called right before the first file is touched. */
  held(): Promise<void>;
  /** Present where the change lands as a commit as well. */
  readonly commit?: { readonly message: string; readonly sign: boolean };
}

export interface LandedChange {
  readonly tree: { readonly before: Digest; readonly after: Digest };
  readonly files: readonly RecordedFile[];
  readonly commit: string | null;
}

/** The tree that is governed. All of it is used under the tree's lock, but for reading. */
export interface GovernedTree {
  state(): Promise<{
    readonly digest: Digest;
    readonly files: ReadonlyMap<string, { readonly digest: Digest }>;
  }>;
  read(path: string): Promise<TreeFile | undefined>;
  paths(): Promise<readonly string[]>;
  /** A private copy as the tree is after the changes, and its digest. */
  copyInto(folder: string, changes: readonly FileChange[]): Promise<{ readonly digest: Digest }>;
  /** All or nothing, also after kill -9; `confirm` ends what recovery would look at. */
  land(request: LandRequest): Promise<LandedChange>;
  confirm(id: string): Promise<void>;
  /** What `recover` would answer, and act on: what is written with the tree, by whoever could write there. */
  pending(): Promise<readonly { readonly id: string; readonly manifest: Digest }[]>;
  /** Finishes or undoes what a killed process began. Throws TREE_DAMAGED where it cannot. */
  recover(): Promise<readonly RecoveredChange[]>;
  /** A change that takes another back, as whole files. Throws ROLLBACK_IMPOSSIBLE, ROLLBACK_OVERLAP. */
  inverse(change: RecordedChange, later: readonly RecordedChange[]): Promise<readonly FileChange[]>;
}

/** policy.yaml and what stands beside it, compiled; throws POLICY_INVALID. The same sources give the same object. */
export interface PolicyLoader {
  load(): Promise<GovernorPolicy>;
}

/** Where private copies are made that tests run in. */
export interface Workspaces {
  /** Nothing is at `folder` yet, and whom the sandbox runs as can get there. */
  make(): Promise<{ readonly folder: string; remove(): Promise<void> }>;
}

/** For metrics and logs. */
export interface GovernorObserver {
  planned(verdict: 'approved' | 'blocked', rules: readonly string[]): void;
  verified(result: 'valid' | 'invalid'): void;
  /** `success`, or the code of the error in small letters. */
  applied(result: string): void;
  rolledBack(result: string): void;
  sandboxed(result: SandboxResult): void;
  recorded(event: ChangeEvent): void;
}

export interface GovernorParts {
  readonly crypto: Crypto;
  readonly gate: Gate;
  readonly tree: GovernedTree;
  readonly lock: TreeLock;
  readonly claims: Claims;
  readonly policies: PolicyLoader;
  readonly sandbox: Sandbox;
  readonly recorder: ChangeRecorder;
  readonly record: ChangeRecord;
  readonly kill: KillSwitch;
  readonly proposals: ProposalStore;
  readonly workspaces: Workspaces;
  readonly observer: GovernorObserver;
  /** ms since 1970. */
  now(): number;
  /** A UUID. */
  newId(): string;
}
