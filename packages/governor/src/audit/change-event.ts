import type { Digest } from '@provability-fabric/kernel';
import type { Signer } from '../gate/signer.ts';
import type { PolicyIdentity } from '../policy/plan.ts';
import type { SandboxResult } from '../sandbox/sandbox.ts';

/** What is put on record. Planning and verifying change nothing and are not. */
export type ChangeEventKind =
  | 'policy-adopted'
  | 'change-proposed'
  | 'change-refused'
  | 'change-started'
  | 'change-applied'
  | 'change-failed'
  | 'rollback-refused'
  | 'rollback-started'
  | 'rollback-applied'
  | 'rollback-failed'
  | 'killed'
  | 'revived'
  | 'key-added'
  | 'key-retired'
  | 'audit-restored';

/** What one file was and is: enough to take it back. */
export interface RecordedFile {
  readonly path: string;
  readonly before: { readonly digest: Digest; readonly mode: string } | null;
  readonly after: { readonly digest: Digest; readonly mode: string } | null;
}

/** One step of the governor, as it goes on record. Nothing of a file's content is in it. */
export interface ChangeEvent {
  /** A UUID; `change-started` and what came of it share one. */
  readonly id: string;
  readonly kind: ChangeEventKind;
  /** ms since 1970. */
  readonly at: number;
  readonly actor: 'api' | 'cli' | 'mcp' | 'governor';
  /** The token's subject, or the user of the machine; at most 255 characters. */
  readonly principal: string;
  /** Of the manifest; null for what concerns none. */
  readonly manifest: Digest | null;
  /** Of the manifest, where it is bound. */
  readonly idempotencyKey: string | null;
  /** Of the change that is taken back. */
  readonly reverts: Digest | null;
  readonly verdict: 'approved' | 'blocked' | null;
  /** GovernorErrorCode of what was refused or failed. */
  readonly errorCode: string | null;
  /** One line for people: rules that block, why it failed, who killed it and why. At most 1,000 characters. */
  readonly detail: string | null;
  readonly signers: readonly Signer[];
  readonly policy: PolicyIdentity | null;
  readonly tree: { readonly before: Digest; readonly after: Digest } | null;
  readonly files: readonly RecordedFile[];
  readonly sandbox: Omit<SandboxResult, 'stdout' | 'stderr'> | null;
  /** SHA-256 of the tests' output; the output itself is nowhere on record. */
  readonly outputDigest: Digest | null;
  /** Object id of the commit that a change landed as. */
  readonly commit: string | null;
}

/** Where an event stands in the view `audit.log`, and the root after it. */
export interface AuditPosition {
  /** From 0, the genesis not counted. */
  readonly index: number;
  /** 64 hex digits: the chained hash of the view after this record. */
  readonly merkle_root: string;
}
