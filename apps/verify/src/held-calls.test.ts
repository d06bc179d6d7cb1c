import type { ApprovalDecision } from '@provability-fabric/policy';
import type { PermissionCertificate, Statement } from '@provability-fabric/statements';
import { describe, expect, it } from 'vitest';
import { deskBundle } from './bundle.fixture.ts';
import { type EvidenceJson, TestLog } from './log.fixture.ts';
import { type Lies, TestSession } from './session.fixture.ts';
import { jsonOf } from './story.fixture.ts';
import { check, standings, wrong } from './verification.fixture.ts';

const base = deskBundle();
const desk = deskBundle({
  clauses: [
    ...base.ir.clauses,
    {
      ...base.clauses.get('few-mails'),
      id: 'ask',
      kind: 'hold',
      on: { tools: ['pay'], effects: null, label: null, args: null, principal: null },
      max: undefined,
      window_ms: undefined,
      tolerance_ms: undefined,
      approvals: 1,
      approvers: { roles: ['finance'], ids: [] },
      within_ms: 60_000,
    },
  ].map((clause) => JSON.parse(JSON.stringify(clause))),
});

const PAY = ['pay', { amount: 1 }] as const;
const ann = { id: 'ann', roles: ['finance'], tenant: 'acme' };

function written(act: (session: TestSession) => void): EvidenceJson {
  const log = new TestLog();
  act(new TestSession(log, desk));
  return log.export([jsonOf(desk)]);
}

function say(session: TestSession, approver = ann, decision: ApprovalDecision = 'approve'): void {
  const [ticket = ''] = [...session.state.holds.keys()];
  session.feed({ kind: 'approval', at: session.now, ticket, approver, decision });
}

const saying = (change: Partial<PermissionCertificate>): Lies => ({
  statement: (honest) => ({ ...honest, ...change }) as Statement,
});
const withoutRecords = (evidence: EvidenceJson): EvidenceJson => ({
  ...evidence,
  entries: evidence.entries.map((entry) => ({ ...entry, record: null })),
});

describe('a held call', () => {
  const whole = written((session) => {
    session.ask(...PAY);
    session.ask(...PAY);
    say(session);
    session.call(...PAY);
    session.ask(...PAY);
    session.call('read_ticket');
  });

  it('is derived again with its approval and its one use', () => {
    expect(wrong(whole)).toEqual([]);
    expect(standings(check(whole)).every((standing) => standing.endsWith('re-derived'))).toBe(true);
  });

  it('agrees with itself where every record was erased', () => {
    expect(wrong(withoutRecords(whole))).toEqual([]);
  });

  it('of which the writer says that it was approved, and nobody did, is named', () => {
    const lied = written((session) => {
      session.ask(...PAY);
      const ticket = [...session.state.holds.keys()][0] as string;
      const allowed = { effect: 'allow', verdict: 'accept', reasons: [], approval: ticket } as const;
      session.ask(
        ...PAY,
        saying({ ...allowed, checks: desk.checks.map((each) => ({ check: each, verdict: 'accept' })) }),
      );
    });
    expect(wrong(lied)).toContain('VERDICT s1/2');
    const other = written((session) => session.ask(...PAY, saying({ approval: 'f'.repeat(32) })));
    expect(wrong(other)).toEqual(['VERDICT s1/1']);
  });

  it('goes ahead once by what is certified, also where every record was erased', () => {
    const lied = written((session) => {
      session.ask(...PAY);
      const ticket = [...session.state.holds.keys()][0] as string;
      say(session);
      session.call(...PAY);
      session.call('read_ticket', {}, 'x');
      session.ask('read_ticket', {}, saying({ approval: ticket }));
    });
    expect(wrong(lied)).toEqual(['CHAIN s1/7', 'VERDICT s1/7']);
    expect(wrong(withoutRecords(lied))).toEqual(['CHAIN s1/7']);
  });

  it('has a ticket, and what is blocked has none, also where every record was erased', () => {
    const lied = written((session) => {
      session.ask(...PAY, saying({ approval: null }));
      session.ask('delete_file', {}, saying({ approval: 'f'.repeat(32) }));
    });
    expect(wrong(withoutRecords(lied))).toEqual(['VERDICT s1/1', 'VERDICT s1/2']);
  });

  it('whose approval says that somebody else gave it, or anything else, is named by its record', () => {
    for (const change of [{ id: 'bob' }, { roles: ['finance', 'boss'] }]) {
      const lied = written((session) => {
        session.ask(...PAY);
        const [ticket = ''] = [...session.state.holds.keys()];
        const input = {
          kind: 'approval',
          at: session.now,
          ticket,
          approver: ann,
          decision: 'approve',
        } as const;
        session.feed(input, {
          record: (honest) => ({
            leaves: honest.leaves.map((leaf) =>
              leaf.path === '/approver' ? { ...leaf, value: { ...ann, ...change } } : leaf,
            ),
          }),
        });
      });
      expect(wrong(lied)).toEqual(['STATE s1/2']);
    }
  });

  it('whose approval nobody could have given is named: the agent’s own, a stranger’s, one for no ticket', () => {
    for (const change of [{ id: 'agent-1' }, { roles: ['sales'] }, { tenant: 'globex' }]) {
      const lied = written((session) => {
        session.ask(...PAY);
        const [ticket = ''] = [...session.state.holds.keys()];
        const input = {
          kind: 'approval',
          at: session.now,
          ticket,
          approver: ann,
          decision: 'approve',
        } as const;
        session.feed(input, {
          record: (honest) => ({
            leaves: honest.leaves.map((leaf) =>
              leaf.path === '/approver' ? { ...leaf, value: { ...ann, ...change } } : leaf,
            ),
          }),
        });
      });
      expect(
        check(lied)
          .failures.map(({ message }) => message)
          .join(),
      ).toMatch(/could not have taken this input/);
    }
  });

  it('of another bundle is forgotten with it, and the rest is derived again', () => {
    const second = deskBundle({ ...JSON.parse(JSON.stringify(desk.ir)), version: 2 });
    const log = new TestLog();
    const session = new TestSession(log, desk);
    session.ask(...PAY);
    say(session);
    session.adopt(second);
    expect(session.state.holds.size).toBe(0);
    session.ask(...PAY);
    say(session, ann, 'deny');
    session.ask(...PAY);
    const evidence = log.export([jsonOf(desk), jsonOf(second)]);
    expect(wrong(evidence)).toEqual([]);
    expect(standings(check(evidence)).every((standing) => standing.endsWith('re-derived'))).toBe(true);
  });
});

describe('a release that was used', () => {
  it('is a check of its own, also where every record was erased', () => {
    const label = { level: 'internal', compartments: [], integrity: 'untrusted' };
    const release = {
      ...base.clauses.get('vouched'),
      id: 'may-mail',
      kind: 'release',
      rule: 'endorse',
      on: { tools: ['send_mail'], effects: null, label: null, args: null, principal: null },
      parameter: '/to',
      type: null,
      from: label,
      to: { ...label, integrity: 'trusted' },
    };
    const releasing = deskBundle({ clauses: [...base.ir.clauses, release] });
    const log = new TestLog();
    const session = new TestSession(log, releasing);
    session.call('send_mail', { to: 'x@acme.example' });
    const evidence = log.export([jsonOf(releasing)]);
    expect(JSON.stringify(check(evidence).events.at(1)?.entry.statement)).toContain('release:may-mail');
    expect([wrong(evidence), wrong(withoutRecords(evidence))]).toEqual([[], []]);
  });
});
