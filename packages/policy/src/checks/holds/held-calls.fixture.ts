import { expect } from 'vitest';
import { bundle, clause, on, type TestSession } from '../../session.fixture.ts';
import type { ApprovalDecision, Approver } from './open-tickets.ts';

export const TWO_OF_THREE = {
  approvals: 2,
  approvers: { roles: ['finance'], ids: ['carol'] },
  within_ms: 60_000,
};
export const ALICE: Approver = { id: 'alice', roles: ['finance'], tenant: 'acme' };
export const BOB: Approver = { id: 'bob', roles: ['finance', 'sales'], tenant: 'acme' };
export const CAROL: Approver = { id: 'carol', roles: [], tenant: 'acme' };

export const pay = (part: object = {}) =>
  clause({
    id: 'big',
    kind: 'hold',
    on: on({ tools: ['pay'] }),
    ...TWO_OF_THREE,
    approvals: 1,
    ...part,
  } as never);
export const withHold = (part: object = {}, more: readonly ReturnType<typeof pay>[] = []) =>
  bundle({ clauses: [pay(part), ...more] });

export function say(
  session: TestSession,
  ticket: string | null,
  approver: Approver,
  decision: ApprovalDecision,
  at = session.state.time,
) {
  return session.feed({ kind: 'approval', at, ticket: ticket ?? '', approver, decision }).kind;
}
export const approve = (session: TestSession, ticket: string | null, by: Approver = ALICE) =>
  say(session, ticket, by, 'approve');

export function held(session: TestSession, args: object = { to: 'x' }): string {
  const decision = session.call('pay', args as never);
  expect([decision.effect, decision.verdict]).toEqual(['hold', 'hold']);
  return decision.ticket as string;
}
