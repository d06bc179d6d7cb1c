import { describe, expect, it } from 'vitest';
import type { ReleaseClause } from '../../compiled-bundle.ts';
import { bundle, clause, codes, on, TestSession, tool } from '../../session.fixture.ts';
import { approve, held, TWO_OF_THREE } from './held-calls.fixture.ts';

describe('a release that somebody has to approve', () => {
  const internal = { level: 'internal', compartments: [], integrity: 'trusted' } as const;
  const open = { level: 'public', compartments: [], integrity: 'trusted' } as const;
  const release = (part: object = {}) =>
    clause({
      id: 'may-leave',
      kind: 'release',
      rule: 'declassify',
      on: on({ tools: ['pay'] }),
      parameter: null,
      type: null,
      from: internal,
      to: open,
      approver: { ...TWO_OF_THREE, approvals: 1 },
      ...part,
    } as never);
  const session = (more: readonly ReturnType<typeof release>[], mode = 'enforce') => {
    const made = new TestSession(
      bundle({
        tools: {
          '*': tool(),
          look: tool({ returns: internal }),
          pay: tool({ effect: 'egress', clearance: open }),
        },
        clauses: [
          clause({ id: 'labels', kind: 'flow', rule: 'session_label', on: on({}), mode } as never),
          ...more,
        ],
      }),
    );
    made.call('look');
    return made;
  };

  it('holds what it would let pass, releases nothing before, and releases once', () => {
    const made = session([release()]);
    const ticket = held(made);
    const waiting = made.call('pay', { to: 'x' });
    expect([waiting.reasons.map(({ clause: id, code }) => [id, code]), waiting.releases]).toEqual([
      [['may-leave', 'APPROVAL_REQUIRED']],
      [],
    ]);
    expect(waiting.checks.map(({ check }) => check)).not.toContain('release:may-leave');
    approve(made, ticket);
    const done = made.call('pay', { to: 'x' });
    expect([done.effect, done.releases, done.ticket]).toEqual(['allow', ['may-leave'], ticket]);
    held(made);
  });

  it('asks nobody about what it would not let pass, or what another release lets pass already', () => {
    const blocked = session([release({ to: { ...open, level: 'public' }, from: open })]).call('pay', {});
    expect([blocked.effect, codes(blocked)]).toEqual(['block', ['LABEL_FLOW']]);
    const { approver: _nobody, ...unasked } = release({ id: 'free' }) as ReleaseClause;
    const free = session([release(), unasked]).call('pay', {});
    expect([free.effect, free.releases]).toEqual(['allow', ['free']]);
  });

  it('does not make a clause that only monitors hold', () => {
    const decision = session([release()], 'monitor').call('pay', {});
    expect([decision.effect, codes(decision), decision.mode]).toEqual(['allow', ['LABEL_FLOW'], 'monitor']);
  });

  it('is not asked about in a mode below enforce: such a release opens nothing', () => {
    expect(session([release({ mode: 'monitor' })]).call('pay', {}).effect).toBe('block');
  });
});
