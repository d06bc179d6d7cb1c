import type { Digest, JsonValue, Label } from '@provability-fabric/kernel';
import type { CheckResult, Effect, Mode, Verdict } from '@provability-fabric/statements';

/** Why an action is not simply accepted. */
export interface Reason {
  readonly check: CheckName;
  readonly code: ReasonCode;
  /** The clause at work; null for what no clause can weaken, and for default deny. */
  readonly clause: string | null;
  readonly verdict: Exclude<Verdict, 'accept'>;
  /** The mode in force for it: `enforce` blocks. */
  readonly mode: Mode;
  readonly severity: string;
  /** For operators only: which argument, which earlier event, what would have been allowed. */
  readonly witness: JsonValue;
}

/**
 * In the order of certificates. `holds` stands there only where the bundle asks for approvals, `secrets` where it has a
 * rule for them or one was exposed.
 */
export const CHECKS = ['authority', 'permit', 'trace', 'flow', 'limits', 'holds', 'secrets'] as const;
export type CheckName = (typeof CHECKS)[number];

/** The codes that this version can give; each has a section in docs/reference/reason-codes.md. */
export const REASON_CODES = [
  'CAP_MISS',
  'CAP_EXPIRED',
  'EPOCH_STALE',
  'EPOCH_FUTURE',
  'NOT_PERMITTED',
  'FORBIDDEN',
  'EVAL_ERROR',
  'TRACE_FORBIDDEN',
  'TRACE_OBLIGATION',
  'LABEL_FLOW',
  'UNTRUSTED_ARGUMENT',
  'CROSS_TENANT',
  'LIMIT_EXCEEDED',
  'BUDGET_EXCEEDED',
  'APPROVAL_REQUIRED',
  'APPROVAL_EXPIRED',
  'APPROVAL_DENIED',
  'HANDLE_INVALID',
  'SECRET_NOT_PERMITTED',
  'SECRET_EXPOSED',
  'OUTCOME_AMBIGUOUS',
  'BUNDLE_EXPIRED',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** The answer to an intent. */
export interface Decision {
  readonly kind: 'decision';
  readonly verdict: Verdict;
  readonly effect: Effect;
  readonly mode: Mode | 'disabled';
  readonly checks: readonly CheckResult[];
  readonly reasons: readonly Reason[];
  readonly args_digest: Digest;
  /** Of what is sent on where that is not what the agent wrote: handles stand for values. */
  readonly forwarded_digest?: Digest;
  /** Names of the secrets whose values stand in for references in what is sent on; ascending. No digest is over a value. */
  readonly secrets_used?: readonly string[];
  readonly label: Label;
  /** Clauses that declassified or endorsed something for this answer, ascending; `checks` names them too. */
  readonly releases: readonly string[];
  /** Of a call that is held, and of one that goes ahead because it was approved; null for all others. */
  readonly ticket: string | null;
  /** Clauses past their expiry: restrictions keep restricting, and somebody should hear of it. */
  readonly expired: readonly string[];
}

export interface Settled {
  readonly kind: 'settled';
  readonly result_digest: Digest | null;
  /** What that carries which the agent sees of the result. */
  readonly result_label: Label;
  readonly label: Label;
  /** Present where it does not see all of it. */
  readonly hidden?: HiddenOutcome;
  /** Names of the secrets that it held, ascending: then a fixed text is in its place, here and for the agent. */
  readonly exposed?: readonly string[];
}

export interface HiddenOutcome {
  readonly handles: number;
  /** The join of what is hidden. */
  readonly label: Label;
  /** Over what the agent gets. */
  readonly shown_digest: Digest;
}

/** The clock went on. */
export interface Ticked {
  readonly kind: 'ticked';
  /** Obligations whose time has passed, each told of once: to be told on, since nothing may come that could be refused. */
  readonly overdue: readonly { readonly clause: string; readonly since: number }[];
}

export interface Noted {
  readonly kind: 'noted';
}

/** An input that has no place here (an outcome of nothing pending, a second opening): nothing moves. */
export interface Refused {
  readonly kind: 'refused';
  readonly problem: string;
}

export type Output = Decision | Settled | Ticked | Noted | Refused;
