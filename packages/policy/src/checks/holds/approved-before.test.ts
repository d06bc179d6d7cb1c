import { describe, expect, it } from 'vitest';
import { bundle, clause, on, TestSession, tool } from '../../session.fixture.ts';

const FINANCE = { approvals: 1, approvers: { roles: ['finance'], ids: [] }, within_ms: 60_000 };
const ALICE = { id: 'alice', roles: ['finance'], tenant: 'acme' };
const internal = { level: 'internal', compartments: [], integrity: 'trusted' } as const;
const open = { level: 'public', compartments: [], integrity: 'trusted' } as const;
const hold = clause({ id: 'ask', kind: 'hold', on: on({ tools: ['pay'] }), ...FINANCE } as never);
const release = clause({
  id: 'may-leave',
  kind: 'release',
  rule: 'declassify',
  on: on({ tools: ['pay'] }),
  parameter: null,
  type: null,
  from: internal,
  to: open,
  approver: FINANCE,
} as never);
const labels = clause({ id: 'labels', kind: 'flow', rule: 'session_label', on: on({}) } as never);
const tools = {
  '*': tool(),
  look: tool({ returns: internal }),
  pay: tool({ effect: 'egress', clearance: open }),
};

describe('an approval', () => {
  it('of a hold is not one of a release that nobody was asked about', () => {
    const session = new TestSession(bundle({ tools, clauses: [hold, labels, release] } as never));
    const asked = session.call('pay', { to: 'x' });
    const ticket = asked.ticket as string;
    expect(session.state.holds.get(ticket)?.clauses).toEqual(['ask']);
    session.feed({ kind: 'approval', at: session.state.time, ticket, approver: ALICE, decision: 'approve' });
    session.call('look'); // only now is something internal in the session
    const done = session.call('pay', { to: 'x' });
    expect([done.effect, done.releases]).toEqual(['hold', []]);
  });
});

describe('tickets', () => {
  it('that were denied long ago do not push out what waits', () => {
    const session = new TestSession(bundle({ tools, clauses: [hold] } as never));
    for (let index = 0; index < 31; index += 1) {
      const ticket = session.call('pay', { to: index }).ticket as string;
      session.feed({ kind: 'approval', at: session.state.time, ticket, approver: ALICE, decision: 'deny' });
    }
    session.feed({ kind: 'tick', at: session.state.time + 7 * 86_400_000 }); // a week later
    const first = session.call('pay', { to: 'first' }).ticket as string;
    session.call('pay', { to: 'second' });
    expect(session.state.holds.has(first)).toBe(true);
  });
});
