import {
  type ApprovalRequest,
  EnforcementError,
  type HeldActionDetails,
} from '@provability-fabric/enforcement';
import type { ApprovalsPort } from '../sidecar/ports.ts';

export const TICKET = 'a'.repeat(32);

/** Stands in for enforcement: one action of acme is held, and whatever is said of it is remembered. */
export class FakeApprovals implements ApprovalsPort {
  readonly said: ApprovalRequest[] = [];
  fault: Error | undefined;
  readonly held: HeldActionDetails = {
    ticket: TICKET,
    session: 's1',
    principal: 'agent-1',
    kind: 'call',
    target: 'pay',
    certificateId: 'c'.repeat(64),
    clauses: ['big'],
    status: 'waiting',
    asked: 1_767_225_600_000,
    expires: 1_767_312_000_000,
    decisions: [{ approver: 'bob', decision: 'approve' }],
    args: { to: 'x', amount: 9_007_199_254_740_993n },
    approvers: [{ approvals: 2, roles: ['finance'], ids: [], within_ms: 900_000 }],
  };

  list(tenant: string): readonly HeldActionDetails[] {
    return tenant === 'acme' ? [this.held] : [];
  }

  async show(tenant: string, ticket: string): Promise<HeldActionDetails | undefined> {
    return this.list(tenant).find((held) => held.ticket === ticket);
  }

  async decide(request: ApprovalRequest) {
    this.said.push(request);
    if (this.fault !== undefined) throw this.fault;
    if (request.approver.tenant !== 'acme' || request.ticket !== TICKET)
      throw new EnforcementError('TICKET_UNKNOWN', 'expected the ticket of an action that is held');
    return { ticket: request.ticket, session: 's1', status: 'waiting' as const };
  }
}
