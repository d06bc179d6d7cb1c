import type { Digest } from '@provability-fabric/kernel';
import type { Clause } from '../../compiled-bundle.ts';
import { matches } from '../../event-class.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event, Finding } from '../check.ts';
import { againstClause } from '../findings.ts';
import {
  type ApprovalDecision,
  type Approver,
  type Decided,
  type HoldsState,
  OPEN_MS,
  type OpenTicket,
  withTicket,
} from './open-tickets.ts';
import type { ApprovalRule } from './rules.ts';

/** A clause that wants somebody to decide. */
export interface Need {
  readonly clause: Clause;
  readonly rule: ApprovalRule;
}

/** What asks for an approval of the event: hold clauses, and the releases without which it would be refused. */
export function needsOf(bundle: LoadedBundle, event: Event, releases: readonly string[]): readonly Need[] {
  const needs: Need[] = [];
  for (const clause of bundle.holds) if (matches(clause.on, event)) needs.push({ clause, rule: clause });
  for (const id of new Set(releases)) {
    const clause = bundle.clauses.get(id);
    const rule = ruleOf(clause);
    if (clause !== undefined && rule !== undefined) needs.push({ clause, rule });
  }
  return needs;
}

/** undefined for a clause that nobody has to approve anything for. */
export function ruleOf(clause: Clause | undefined): ApprovalRule | undefined {
  if (clause?.kind === 'hold') return clause;
  return clause?.kind === 'release' ? clause.approver : undefined;
}

/** What was said holds for the clauses that were asked about: where another one asks as well, all are asked anew. */
export function asAsked(open: OpenTicket | undefined, needs: readonly Need[]): OpenTicket | undefined {
  if (open === undefined || needs.every(({ clause }) => open.clauses.includes(clause.id))) return open;
  return { ...open, decisions: open.decisions.filter(({ decision }) => decision === 'deny') };
}

/** Why a need is not met yet; undefined once it is. It is looked at only here: all else is decided again. */
export function unmetNeed(need: Need, open: OpenTicket | undefined, time: number): Finding | undefined {
  const { clause, rule } = need;
  const own = (open?.decisions ?? []).filter(({ approver }) => mayDecide(rule, approver));
  const inForce = own.filter((decided) => isInForce(decided, rule, time));
  const by = (decision: ApprovalDecision) =>
    inForce.filter((decided) => decided.decision === decision).map(({ approver }) => approver.id);
  const [approved, denied] = [by('approve'), by('deny')];
  const witness = { wanted: rule.approvals, approved_by: approved, denied_by: denied };
  if (denied.length > 0) return againstClause(clause, 'APPROVAL_DENIED', witness, 'reject');
  if (approved.length >= rule.approvals) return undefined;
  const ranOut = own.some((decided) => decided.decision === 'approve' && !inForce.includes(decided));
  return againstClause(clause, ranOut ? 'APPROVAL_EXPIRED' : 'APPROVAL_REQUIRED', witness, 'hold');
}

/** The ticket of a call that is held, so that somebody can decide about it; what has run out on it is forgotten. */
export function openTicket(
  state: HoldsState,
  ticket: string,
  needs: readonly Need[],
  event: Event,
  argsDigest: Digest,
): HoldsState {
  const known = state.get(ticket);
  const clauses = needs.map(({ clause }) => clause.id);
  const decisions = (asAsked(known, needs)?.decisions ?? []).filter((decided) =>
    needs.some(({ rule }) => isInForce(decided, rule, event.time)),
  );
  const lapsed = known !== undefined && decisions.length === 0 && hasLapsed(known, event.time);
  if (known === undefined || lapsed) {
    const { action, certificate_id } = event.intent;
    const { kind, target } = action;
    const asked = event.time;
    return withTicket(state, event.time, ticket, {
      kind,
      target,
      args_digest: argsDigest,
      certificate_id,
      clauses,
      asked,
      decisions: [],
    });
  }
  const asBefore =
    decisions.length === known.decisions.length && clauses.join('\n') === known.clauses.join('\n');
  return asBefore ? state : withTicket(state, event.time, ticket, { ...known, clauses, decisions });
}

export function mayDecide({ approvers: { ids, roles } }: ApprovalRule, approver: Approver): boolean {
  return ids.includes(approver.id) || roles.some((role) => approver.roles.includes(role));
}

/** Edges included. */
export function isInForce({ at }: Decided, { within_ms }: ApprovalRule, time: number): boolean {
  return time - at <= within_ms;
}

/** Nobody has decided for too long. */
export function hasLapsed({ asked }: OpenTicket, time: number): boolean {
  return time - asked > OPEN_MS;
}
