import type { EventClass } from '../../event-class.ts';

/** Who decides about a call, how many of them it takes, and for how long what they say holds. */
export interface ApprovalRule {
  /** Different people, of whom each counts once; the one who asks never does. */
  readonly approvals: number;
  readonly approvers: Approvers;
  /** From each decision on, in ms. */
  readonly within_ms: number;
}

/** Somebody listed in `ids`, or with one of `roles`. */
export interface Approvers {
  readonly roles: readonly string[];
  readonly ids: readonly string[];
}

/** Calls of the class wait until enough people have approved this very call. */
export interface HoldRule extends ApprovalRule {
  readonly on: EventClass;
}

/** More than a desk has people for; keeps a ticket's part of the state small. */
export const MAX_APPROVALS = 8;

export const MAX_WITHIN_MS = 86_400_000;

/** Whether nobody, however many they are, could give the approvals that are asked for. */
export function isUnsatisfiable({ approvals, approvers }: ApprovalRule): boolean {
  return approvers.roles.length === 0 && new Set(approvers.ids).size < approvals;
}
