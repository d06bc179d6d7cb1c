import type { Digest, Label } from '@provability-fabric/kernel';
import type { GovernedChangeStatement } from './governed-change.ts';
import type { SecretAccessStatement } from './secret-access.ts';

/** Restrictions act according to a mode (CONTRACTS §4): shadow certifies, monitor also counts, enforce blocks. */
export type Mode = 'shadow' | 'monitor' | 'enforce';
export type Verdict = 'accept' | 'hold' | 'reject' | 'error';
export type Effect = 'allow' | 'hold' | 'block';
export type OutcomeKind = 'done' | 'failed' | 'ambiguous';

/** What every statement of a session says of its place: the chain that makes a dropped or swapped statement show. */
interface SessionLink {
  readonly tenant: string;
  readonly session: string;
  /** Gap-free from 0 within a session, over all statement kinds. */
  readonly seq: number;
  /** SHA-256 of the previous statement's payload; null at seq 0. */
  readonly previous: Digest | null;
  readonly state: { readonly before: Digest; readonly after: Digest };
  /** Root of the salted Merkle tree over everything `step` read. */
  readonly input_root: Digest;
  /** RFC 3339 UTC with milliseconds, the session's monotonic time. */
  readonly issued_at: string;
}

export interface BundleReference {
  readonly name: string;
  readonly version: number;
  readonly digest: Digest;
}

export interface CheckResult {
  readonly check: string;
  readonly verdict: Verdict;
}

/** A reason without its witness: the witness holds values, stays in the sealed input record, and is re-derivable from it. */
export interface CertifiedReason {
  readonly check: string;
  readonly code: string;
  readonly clause: string | null;
  readonly mode: Mode;
  readonly severity: string;
}

export interface PermissionCertificate extends SessionLink {
  readonly type: 'permission-certificate';
  readonly certificate_id: string;
  readonly principal: { readonly id: string; readonly roles: readonly string[]; readonly org: string };
  readonly action: { readonly kind: string; readonly target: string; readonly args_digest: Digest };
  readonly bundle: BundleReference;
  /** Digest of the signed overlay of rollout modes; null where none is in force. */
  readonly overlay: Digest | null;
  readonly policy_hash: Digest;
  readonly automata_hash: Digest;
  readonly labeler_hash: Digest;
  readonly epoch: number;
  readonly verdict: Verdict;
  readonly effect: Effect;
  /** `disabled`: an emergency weakened every clause to shadow, and this says so. */
  readonly mode: Mode | 'disabled';
  readonly checks: readonly CheckResult[];
  readonly reasons: readonly CertifiedReason[];
  readonly labels: { readonly session: Label };
  /** The ticket of an action that is held, or that went ahead because it was approved. */
  readonly approval: string | null;
  readonly break_glass: string | null;
  /** Of the arguments that are sent on, where handles in them stand for values. */
  readonly forwarded_digest?: Digest;
  /** Names of the secrets whose values stand in for references in what is sent on: no digest is over a value. */
  readonly secrets_used?: readonly string[];
}

export interface OutcomeCertificate extends SessionLink {
  readonly type: 'outcome-certificate';
  /** Of the permission certificate whose action came to this. */
  readonly certificate_id: string;
  readonly outcome: OutcomeKind;
  readonly result_digest: Digest | null;
  /** What the agent saw of the result carries, and the session's label once it has been read. */
  readonly label: Label;
  readonly labels: { readonly session: Label };
  /** Present where the agent did not see all of it: what it got, and what the rest carries. */
  readonly hidden?: {
    readonly handles: number;
    readonly label: Label;
    readonly shown_digest: Digest;
  };
  /** Names of the secrets that the result held (`-`: it could not be searched): a fixed text is in its place. */
  readonly exposed?: readonly string[];
}

/** Everything else that can change a later verdict: a session's opening, its prompt, a mode, an epoch, a bundle, a tick, an approval. */
export interface SessionRecord extends SessionLink {
  readonly type: 'session-record';
  readonly kind: 'open' | 'prompt' | 'mode' | 'epoch' | 'bundle' | 'tick' | 'approval';
  readonly bundle: BundleReference;
  readonly epoch: number;
  readonly mode: Mode | 'disabled';
}

/** What `step` did: the statements of an agent's session. */
export type Statement = PermissionCertificate | OutcomeCertificate | SessionRecord;

/** Everything that stands in a chain, in a log. */
export type ChainedStatement = Statement | SecretAccessStatement | GovernedChangeStatement;
