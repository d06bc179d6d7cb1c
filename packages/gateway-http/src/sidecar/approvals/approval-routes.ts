import type { HeldAction, HeldActionDetails } from '@provability-fabric/enforcement';
import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { formatInstant } from '@provability-fabric/policy';
import { z } from 'zod';
import { requireRole } from '../../access.ts';
import { RequestError } from '../../errors.ts';
import { limitIn, readQuery } from '../../query.ts';
import type { Call, GuardedRoute } from '../../route.ts';
import { parse, sessionId, shape } from '../../shapes.ts';
import { atOwner } from '../at-owner.ts';
import type { ApprovalsPort, Forwarder } from '../ports.ts';
import { approverOf } from './approver-access.ts';

export interface ApprovalOptions {
  readonly approvals: ApprovalsPort;
  /** Absent: this fabric owns every session that it serves. */
  readonly forwarder?: Forwarder;
}

const READERS = ['approver', 'auditor', 'operator'] as const;
const PAGE = { most: 1000, usual: 100 };

const decisionShape = shape({
  decision: z.enum(['approve', 'deny'], { error: '`approve` or `deny`' }),
  session: sessionId.optional(),
});

/** What waits for somebody, and what they say. An agent's token opens none of these. */
export function approvalRoutes(options: ApprovalOptions): readonly GuardedRoute[] {
  const { approvals } = options;
  return [
    {
      kind: 'guarded',
      method: 'GET',
      pattern: '/v1/approvals',
      async serve({ identity, query }) {
        requireRole(identity, READERS);
        const limit = limitIn(readQuery(query, ['limit']).limit, PAGE);
        const held = approvals.list(identity.principal.tenant, limit);
        return { status: 200, body: held.map(described) };
      },
    },
    {
      kind: 'guarded',
      method: 'GET',
      pattern: '/v1/approvals/:ticket',
      async serve({ identity, params: { ticket = '' } }) {
        const { tenant } = approverOf(identity);
        const held = await approvals.show(tenant, ticket);
        if (held === undefined) throw unknownTicket();
        return { status: 200, body: detailed(held) };
      },
    },
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/v1/approvals/:ticket',
      serve(call) {
        const { ticket = '' } = call.params;
        const path = `/v1/approvals/${encodeURIComponent(ticket)}`;
        return atOwner(call, options.forwarder, { path, body: call.body }, () =>
          decide(approvals, ticket, call),
        );
      },
    },
  ];
}

async function decide(
  approvals: ApprovalsPort,
  ticket: string,
  { identity, body }: Call,
): Promise<JsonValue> {
  const approver = approverOf(identity);
  const { decision, session = null } = parse(decisionShape, body);
  const { epoch } = identity;
  const { session: where, status } = await approvals.decide({ ticket, session, approver, decision, epoch });
  return { ticket, session: where, status };
}

function described(held: HeldAction): JsonObject {
  const { ticket, session, principal, kind, target, certificateId, clauses, status, asked, expires } = held;
  const by = (decision: 'approve' | 'deny') =>
    held.decisions.filter((each) => each.decision === decision).map(({ approver }) => approver);
  return {
    ticket,
    session,
    principal,
    action: { kind, [kind === 'call' ? 'tool' : 'uri']: target },
    clauses,
    status,
    asked_at: formatInstant(asked),
    expires_at: formatInstant(expires),
    approved_by: by('approve'),
    denied_by: by('deny'),
    certificate_id: certificateId,
  };
}

function detailed(held: HeldActionDetails): JsonObject {
  return { ...described(held), args: held.args, approvers: held.approvers.map((each) => ({ ...each })) };
}

function unknownTicket(): RequestError {
  const problem = 'expected the ticket of an action of this tenant that is held now, came another';
  return new RequestError('TICKET_UNKNOWN', problem);
}
