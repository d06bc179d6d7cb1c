import type { Digest, JsonValue } from '@provability-fabric/kernel';
import { MAX_WITHIN_MS } from './rules.ts';

/** Somebody who may decide about other people's calls, as their own token says it. */
export interface Approver {
  readonly id: string;
  readonly roles: readonly string[];
  readonly tenant: string;
}

export type ApprovalDecision = 'approve' | 'deny';

/** What one approver said; only the last word of each is kept. */
export interface Decided {
  readonly approver: Approver;
  readonly decision: ApprovalDecision;
  /** Session time in ms. */
  readonly at: number;
}

/** A call that somebody has to decide about. */
export interface OpenTicket {
  readonly kind: string;
  readonly target: string;
  readonly args_digest: Digest;
  /** Of the intent that was held first: its record has the arguments. */
  readonly certificate_id: string;
  /** The clauses that ask, in the bundle's order. */
  readonly clauses: readonly string[];
  /** Session time in ms. */
  readonly asked: number;
  readonly decisions: readonly Decided[];
}

/** By ticket, those asked for first at the front. */
export type HoldsState = ReadonlyMap<string, OpenTicket>;

export const NO_TICKETS: HoldsState = new Map();

/** In one session: an agent that asks for more loses what it asked for first. */
const MAX_TICKETS = 32;

/** On one ticket; everybody counts once. */
export const MAX_DECISIONS = 16;

/** How long a call waits for somebody to decide; then it has to be asked for again. */
export const OPEN_MS = 86_400_000;

export function withTicket(state: HoldsState, time: number, ticket: string, open: OpenTicket): HoldsState {
  const next = new Map(state);
  if (!next.has(ticket) && next.size >= MAX_TICKETS) next.delete(leastMissed(next, time));
  return next.set(ticket, open);
}

export function withoutTicket(state: HoldsState, ticket: string): HoldsState {
  if (!state.has(ticket)) return state;
  const next = new Map(state);
  next.delete(ticket);
  return next;
}

/** Whether some ticket may be of a call with these arguments: most calls can be told not to have one at little cost. */
export function asksForArguments(state: HoldsState, argsDigest: Digest): boolean {
  for (const { args_digest } of state.values()) if (args_digest === argsDigest) return true;
  return false;
}

/** Nobody's word is forgotten while there is a ticket that nobody has said anything about. */
function leastMissed(state: HoldsState, time: number): string {
  const [first] = state.keys();
  for (const [ticket, { decisions }] of state)
    if (decisions.length > 0 && decisions.every(({ at }) => time - at > MAX_WITHIN_MS)) return ticket;
  for (const [ticket, { decisions }] of state) if (decisions.length === 0) return ticket;
  return first as string;
}

export function describeTickets(state: HoldsState): JsonValue {
  return [...state].map(([ticket, { certificate_id, clauses, asked, decisions }]) => [
    ticket,
    certificate_id,
    clauses,
    asked,
    decisions.map(({ approver, decision, at }) => [approver.id, approver.roles, decision, at]),
  ]);
}
