import { describe, expect, it } from 'vitest';
import { AGENT, bundle, clause, codes, ENFORCE, on, TestSession } from '../../session.fixture.ts';
import { ALICE, approve, BOB, CAROL, held, pay, say, TWO_OF_THREE, withHold } from './held-calls.fixture.ts';

describe('an approval', () => {
  it('is never given by the one who asks, whatever their roles', () => {
    const session = new TestSession(withHold({ approvers: { roles: ['support'], ids: [AGENT.id] } }));
    const ticket = held(session);
    expect(approve(session, ticket, { ...AGENT })).toBe('refused');
    expect(held(session)).toBe(ticket);
  });

  it('is not taken of somebody whom the clause does not name, of another tenant, or for another ticket', () => {
    const session = new TestSession(withHold());
    const ticket = held(session);
    const before = session.digest;
    expect(approve(session, ticket, { id: 'mallory', roles: ['sales'], tenant: 'acme' })).toBe('refused');
    expect(approve(session, ticket, { ...ALICE, tenant: 'globex' })).toBe('refused');
    expect(approve(session, ticket.replace(/^./, 'x'))).toBe('refused');
    expect(approve(session, '')).toBe('refused');
    expect(session.digest).toBe(before);
  });

  it('is used once: the same call again is held again', () => {
    const session = new TestSession(withHold());
    const ticket = held(session);
    expect(approve(session, ticket)).toBe('noted');
    const done = session.call('pay', { to: 'x' });
    expect([done.effect, done.verdict, done.ticket]).toEqual(['allow', 'accept', ticket]);
    expect(held(session)).toBe(ticket);
    expect(approve(session, ticket)).toBe('noted');
    expect(session.call('pay', { to: 'x' }).effect).toBe('allow');
  });

  it('is for these arguments and this tool alone', () => {
    const session = new TestSession(withHold({ on: on({}) }));
    approve(session, held(session));
    const other = session.call('pay', { to: 'y' });
    expect([other.effect, codes(other)]).toEqual(['hold', ['APPROVAL_REQUIRED']]);
    expect(session.call('refund', { to: 'x' }).effect).toBe('hold');
    // Another spelling of the same arguments is the same call.
    expect(session.call('pay', JSON.parse('{ "to": "\\u0078" }')).effect).toBe('allow');
  });

  it('counts once of each person where several have to approve', () => {
    const session = new TestSession(withHold(TWO_OF_THREE));
    const ticket = held(session);
    expect(approve(session, ticket)).toBe('noted');
    expect(approve(session, ticket)).toBe('refused');
    expect(held(session)).toBe(ticket);
    expect(approve(session, ticket, CAROL)).toBe('noted');
    expect(session.call('pay', { to: 'x' }).effect).toBe('allow');
  });

  it('runs out, edge included, and is asked for anew then', () => {
    const session = new TestSession(withHold());
    const ticket = held(session);
    approve(session, ticket);
    const at = session.state.time;
    const { state } = session;
    expect(session.at(at + 60_000).call('pay', { to: 'x' }).effect).toBe('allow');
    session.state = state;
    const late = session.at(at + 60_001).call('pay', { to: 'x' });
    expect([late.effect, codes(late), late.ticket]).toEqual(['hold', ['APPROVAL_EXPIRED'], ticket]);
    expect(codes(session.call('pay', { to: 'x' }))).toEqual(['APPROVAL_REQUIRED']);
    expect(say(session, ticket, ALICE, 'approve', at + 60_001)).toBe('noted');
    expect(session.call('pay', { to: 'x' }).effect).toBe('allow');
  });

  it('does not live on by a clock that is put back', () => {
    const session = new TestSession(withHold());
    approve(session, held(session));
    session.feed({ kind: 'tick', at: session.state.time + 60_001 });
    expect(session.at(0).call('pay', { to: 'x' }).effect).toBe('hold');
  });

  it('ends with its epoch, and with its bundle', () => {
    const session = new TestSession(withHold());
    const ticket = held(session);
    approve(session, ticket);
    session.feed({ kind: 'epoch', at: session.state.time, epoch: 2 });
    expect(approve(session, ticket)).toBe('refused');
    const again = session.ask('pay', { to: 'x' }, { epoch: 2 });
    expect(again.effect).toBe('hold');
    expect(again.ticket).not.toBe(ticket);
  });

  it('of a call that nobody asks about is refused', () => {
    const session = new TestSession(withHold());
    expect(approve(session, 'a'.repeat(32))).toBe('refused');
  });

  it('satisfies the hold and nothing else: the rest is decided again', () => {
    const cap = clause({
      id: 'cap',
      kind: 'limit',
      on: on({ tools: ['pay'] }),
      max: 1,
      window_ms: null,
      tolerance_ms: 0,
    } as never);
    const session = new TestSession(withHold({}, [cap]));
    const first = held(session, { to: 'a' });
    const second = held(session, { to: 'b' });
    approve(session, first);
    approve(session, second);
    expect(session.call('pay', { to: 'a' }).effect).toBe('allow');
    const capped = session.call('pay', { to: 'b' });
    expect([capped.effect, codes(capped)]).toEqual(['block', ['LIMIT_EXCEEDED']]);
    expect(session.state.holds.has(second)).toBe(true);
  });
});

describe('a denial', () => {
  it('blocks the call, outvotes every approval, and cannot be approved away', () => {
    const session = new TestSession(withHold());
    const ticket = held(session);
    expect(approve(session, ticket)).toBe('noted');
    expect(say(session, ticket, BOB, 'deny')).toBe('noted');
    expect(approve(session, ticket, CAROL)).toBe('refused');
    const denied = session.call('pay', { to: 'x' });
    expect([denied.effect, denied.verdict, codes(denied), denied.ticket]).toEqual([
      'block',
      'reject',
      ['APPROVAL_DENIED'],
      null,
    ]);
  });

  it('is taken however many have approved, and only one of them', () => {
    const session = new TestSession(withHold({ approvals: 8 }));
    const ticket = held(session);
    const crowd = Array.from({ length: 17 }, (_, n) => ({ ...ALICE, id: `person-${n}` }));
    const kinds = crowd.map((one) => approve(session, ticket, one));
    expect(kinds).toEqual([...Array(16).fill('noted'), 'refused']);
    expect(say(session, ticket, CAROL, 'deny')).toBe('noted');
    expect(say(session, ticket, BOB, 'deny')).toBe('refused');
    expect(session.call('pay', { to: 'x' }).effect).toBe('block');
  });

  it('may be what somebody says after having approved, and lasts as long as an approval', () => {
    const session = new TestSession(withHold());
    const ticket = held(session);
    approve(session, ticket);
    expect(say(session, ticket, ALICE, 'deny')).toBe('noted');
    expect(session.call('pay', { to: 'x' }).effect).toBe('block');
    const later = session.state.time + 60_001;
    expect(session.at(later).call('pay', { to: 'x' }).effect).toBe('hold');
    expect(say(session, ticket, ALICE, 'approve', later)).toBe('noted');
  });
});

describe('a call that is held', () => {
  const never = bundle({
    clauses: [
      pay(),
      clause({ id: 'cap', kind: 'limit', on: on({}), max: 2, window_ms: null, tolerance_ms: 0 } as never),
      clause({
        id: 'after',
        kind: 'trace',
        pattern: {
          kind: 'after_never',
          after: on({ tools: ['pay'] }),
          never: on({ tools: ['send'] }),
          until: null,
        },
      } as never),
    ],
  });

  it('moves nothing but its ticket: no automaton, limit, label or time', () => {
    const session = new TestSession(never);
    const { holds: _none, ...before } = session.state;
    session.at(2_000_000);
    for (let round = 0; round < 5; round += 1) held(session, { to: `${round % 2}` });
    const { holds, ...after } = session.state;
    expect(after).toEqual(before);
    expect(holds.size).toBe(2);
    expect(session.call('send', {}).effect).toBe('allow');
  });

  it('repeated moves nothing at all', () => {
    const session = new TestSession(never);
    held(session);
    const { digest, state } = session;
    held(session);
    expect([session.digest, session.state]).toEqual([digest, state]);
  });

  it('is blocked, and nobody is asked, where something else refuses it', () => {
    const forbidden = clause({
      id: 'no',
      kind: 'trace',
      pattern: { kind: 'never', never: on({ tools: ['pay'] }) },
    } as never);
    const session = new TestSession(withHold({}, [forbidden]));
    const decision = session.call('pay', { to: 'x' });
    expect([decision.effect, decision.verdict, decision.ticket]).toEqual(['block', 'reject', null]);
    expect(codes(decision)).toEqual(['TRACE_FORBIDDEN', 'APPROVAL_REQUIRED']);
    expect(session.state.holds.size).toBe(0);
  });

  it.each(['monitor', 'shadow'] as const)('is not held where the clause is in %s', (mode) => {
    const session = new TestSession(withHold({ mode }));
    const decision = session.call('pay', { to: 'x' });
    expect([decision.effect, decision.verdict, decision.mode, decision.ticket]).toEqual([
      'allow',
      'hold',
      mode,
      null,
    ]);
    expect(session.state.holds.size).toBe(0);
  });

  it('is not held under an environment that only monitors, and uses up what was approved', () => {
    const session = new TestSession(withHold());
    approve(session, held(session));
    session.feed({ kind: 'mode', at: 0, environment: { ...ENFORCE, enforcement_mode: 'monitor' } });
    expect(session.call('pay', { to: 'x' }).effect).toBe('allow');
    session.feed({ kind: 'mode', at: 0, environment: ENFORCE });
    held(session);
  });

  it('keeps at most 32 tickets in a session, and forgets first what nobody has said anything about', () => {
    const session = new TestSession(withHold());
    const first = held(session, { to: 'first' });
    approve(session, first);
    const second = held(session, { to: 'second' });
    for (let count = 0; count < 40; count += 1) held(session, { to: `${count}` });
    expect(session.state.holds.size).toBe(32);
    expect(session.state.holds.has(first)).toBe(true);
    expect(approve(session, second)).toBe('refused');
  });

  it('waits a day and no longer', () => {
    const session = new TestSession(withHold());
    const ticket = held(session);
    const later = session.state.time + 86_400_001;
    const input = { kind: 'approval', ticket, approver: ALICE, decision: 'approve' } as const;
    expect(session.feed({ ...input, at: later }).kind).toBe('refused');
    expect(session.at(later).ask('pay', { to: 'x' }).effect).toBe('hold');
    expect(session.feed({ ...input, at: later }).kind).toBe('noted');
  });

  it('can be approved anew by somebody whose word has run out for one of its clauses', () => {
    const longer = pay({ id: 'longer', within_ms: 600_000 });
    const session = new TestSession(withHold({}, [longer]));
    const ticket = held(session);
    approve(session, ticket);
    const later = session.state.time + 60_001;
    expect(say(session, ticket, ALICE, 'approve', later)).toBe('noted');
    expect(say(session, ticket, ALICE, 'approve', later)).toBe('refused');
    expect(session.at(later).call('pay', { to: 'x' }).effect).toBe('allow');
  });

  it('waits for every clause that holds it', () => {
    const sales = pay({ id: 'sales', approvers: { roles: ['sales'], ids: [] } });
    const session = new TestSession(withHold({}, [sales]));
    const ticket = held(session);
    approve(session, ticket, CAROL);
    const half = session.call('pay', { to: 'x' });
    expect(half.reasons.map(({ clause: id, code }) => [id, code])).toEqual([['sales', 'APPROVAL_REQUIRED']]);
    approve(session, ticket, BOB);
    expect(session.call('pay', { to: 'x' }).effect).toBe('allow');
  });
});

describe('a bundle without approvals', () => {
  it('certifies and digests as before there were any', () => {
    const session = new TestSession(bundle());
    const decision = session.call('pay', {});
    expect(decision.checks.map(({ check }) => check)).toEqual([
      'authority',
      'permit',
      'trace',
      'flow',
      'limits',
    ]);
    expect(decision.ticket).toBeNull();
    expect(new TestSession(withHold()).call('look', {}).checks.at(-1)).toEqual({
      check: 'holds',
      verdict: 'accept',
    });
  });
});
