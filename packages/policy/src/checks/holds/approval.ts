import type { ApprovalInput } from '../../input.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { State } from '../../state.ts';
import { type Decided, type HoldsState, MAX_DECISIONS, type OpenTicket } from './open-tickets.ts';
import type { ApprovalRule } from './rules.ts';
import { hasLapsed, isInForce, mayDecide, ruleOf } from './step.ts';

export type ApprovalProblemCode = 'TICKET_UNKNOWN' | 'APPROVER_REFUSED' | 'TICKET_DECIDED';

export interface ApprovalProblem {
  readonly code: ApprovalProblemCode;
  readonly problem: string;
}

/** `again`: this approver's same word is in force already, so nothing is to be recorded. */
export type ApprovalRuling =
  | { readonly kind: 'taken'; readonly next: HoldsState }
  | { readonly kind: 'again' }
  | ({ readonly kind: 'refused' } & ApprovalProblem);

/** `lapsed`: nobody has decided in time, and the call has to be asked for again. */
export type TicketStatus = 'waiting' | 'approved' | 'denied' | 'lapsed';

type Asked = Omit<ApprovalInput, 'kind'>;

/** What somebody's word about a ticket comes to. A denial ends it: no approval outvotes it. */
export function approve(bundle: LoadedBundle, state: State, input: Asked): ApprovalRuling {
  const { approver, decision } = input;
  const time = Math.max(state.time, input.at);
  const open = state.holds.get(input.ticket);
  if (state.opening === null || approver.tenant !== state.opening.tenant || open === undefined)
    return unknown();
  const rules = rulesOf(bundle, open);
  const inForce = open.decisions.filter((decided) =>
    rules.some((rule) => mayDecide(rule, decided.approver) && isInForce(decided, rule, time)),
  );
  if (inForce.length === 0 && hasLapsed(open, time)) return unknown();
  if (approver.id === state.opening.principal) {
    return refused('APPROVER_REFUSED', 'expected somebody else: nobody approves a call of their own');
  }
  const own = rules.filter((rule) => mayDecide(rule, approver));
  if (own.length === 0) {
    return refused(
      'APPROVER_REFUSED',
      'expected one of the `approvers` that the clause of this ticket names',
    );
  }
  const earlier = inForce.find((decided) => decided.approver.id === approver.id);
  // Where it has run out for one clause, and not for another, it can be given anew.
  if (earlier?.decision === decision && own.every((rule) => isInForce(earlier, rule, time)))
    return { kind: 'again' };
  const others = inForce.filter((decided) => decided !== earlier);
  if ((decision === 'deny' ? others : inForce).some((decided) => decided.decision === 'deny'))
    return refused('TICKET_DECIDED', 'expected a ticket that nobody has denied');
  // However many have approved, somebody can still say no.
  if (decision === 'approve' && others.length >= MAX_DECISIONS)
    return refused('TICKET_DECIDED', `expected fewer than ${MAX_DECISIONS} decisions about one ticket`);
  const decisions: readonly Decided[] = [...others, { approver, decision, at: time }];
  return { kind: 'taken', next: new Map(state.holds).set(input.ticket, { ...open, decisions }) };
}

/** What the ticket's clauses make of what has been said. Whether the call goes ahead is decided when it is repeated. */
export function ticketStatus(bundle: LoadedBundle, open: OpenTicket, time: number): TicketStatus {
  const rules = rulesOf(bundle, open);
  const count = (rule: ApprovalRule, decision: Decided['decision']) =>
    open.decisions.filter(
      (decided) =>
        decided.decision === decision && mayDecide(rule, decided.approver) && isInForce(decided, rule, time),
    ).length;
  if (rules.some((rule) => count(rule, 'deny') > 0)) return 'denied';
  if (rules.every((rule) => count(rule, 'approve') >= rule.approvals)) return 'approved';
  return open.decisions.length === 0 && hasLapsed(open, time) ? 'lapsed' : 'waiting';
}

export function rulesOf(bundle: LoadedBundle, { clauses }: OpenTicket): readonly ApprovalRule[] {
  return clauses.flatMap((id) => ruleOf(bundle.clauses.get(id)) ?? []);
}

/** One answer for what never was, what is over and what is another tenant's: nobody learns which. */
function unknown(): ApprovalRuling {
  return refused('TICKET_UNKNOWN', 'expected the ticket of a call that is held now');
}

function refused(code: ApprovalProblemCode, problem: string): ApprovalRuling {
  return { kind: 'refused', code, problem };
}
