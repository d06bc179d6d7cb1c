import type { FileChange } from '../change.ts';
import type { ChangePlan } from './change-plan.ts';

/** Signs what a commit says, as git's SSH signatures do. */
export interface CommitSigner {
  /** The armored SSHSIG of namespace `git` over the commit without its signature. */
  sign(payload: Uint8Array): Promise<string>;
}

/** What a commit says beside the files. */
export interface CommitRequest {
  /** The governor's own words come first and last: nothing that a manifest brings can pose as a trailer. */
  readonly message: string;
  /** Absent: the commit is not signed. */
  readonly signer?: CommitSigner;
}

export type PlannedCommit = NonNullable<ChangePlan['commit']>;

/** Where changes land as commits as well. */
export interface CommitPlace {
  /** Everything but the ref: objects that nothing points to yet. `staged(n)` is where the n-th file's new bytes are. */
  prepare(
    commit: CommitRequest,
    change: {
      readonly changes: readonly FileChange[];
      /** Where git may keep what nobody needs afterwards. */
      readonly folder: string;
      readonly staged: (index: number) => string;
    },
  ): Promise<PlannedCommit>;
  /** One durable update of one ref, or GIT_FAILED where it is not what it was. */
  land(commit: PlannedCommit): Promise<void>;
  hasLanded(commit: PlannedCommit): Promise<boolean>;
  /** Lands it unless it has landed, or never can: false then. GIT_FAILED where that cannot be told yet. */
  settle(commit: PlannedCommit): Promise<boolean>;
  /** Brings the user's index in line for these files; what it cannot do is left to `git status`. */
  refreshIndex(files: ChangePlan['files'], commit: PlannedCommit): Promise<void>;
}
