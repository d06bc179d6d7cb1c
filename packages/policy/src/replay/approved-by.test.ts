import type { JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { bundle, clause, on } from '../session.fixture.ts';
import { replayTrace } from './replay.ts';
import { parseTrace } from './trace-file.ts';

const hold = (description = '') => {
  const rule = { approvals: 1, approvers: { roles: ['boss'], ids: [] }, within_ms: 60_000 };
  return bundle({
    clauses: [clause({ id: 'ask', kind: 'hold', on: on({ tools: ['pay'] }), description, ...rule } as never)],
  });
};

function trace(...approvedBy: readonly (JsonValue | undefined)[]) {
  return parseTrace({
    session: 's',
    principal: { id: 'agent', tenant: 'acme', roles: ['boss'] },
    events: approvedBy.map((people) => ({
      at: '2026-01-01T00:00:00Z',
      action: 'call',
      tool: 'pay',
      args: { to: 'x' },
      ...(people === undefined ? {} : { approved_by: people }),
    })),
  });
}

describe('who approved a call of a trace', () => {
  const ann = [{ id: 'ann', roles: ['boss'] }];

  it('lets it go ahead once, under whatever bundle it is decided', () => {
    for (const loaded of [hold(), hold('another version')]) {
      const events = [...replayTrace(loaded, trace(undefined, ann, undefined))];
      expect(events.map(({ effect }) => effect)).toEqual(['hold', 'allow', 'hold']);
    }
  });

  it('is of no use before the call was held, nor of somebody who may not', () => {
    const events = [...replayTrace(hold(), trace(ann, [{ id: 'ann' }], [{ id: 'agent', roles: ['boss'] }]))];
    expect(events.map(({ effect }) => effect)).toEqual(['hold', 'hold', 'hold']);
    expect(events.every(({ state }) => state.after !== undefined)).toBe(true);
  });

  it.each([
    ['ann'],
    [{ id: 'ann' }],
    [['ann']],
    [[{}]],
    [[{ id: '' }]],
    [[{ id: 'ann', roles: 'boss' }]],
    [[{ id: 'ann', tenant: 'globex' }]],
  ])('is malformed as %j', (people) => {
    expect(() => trace(people as JsonValue)).toThrow(/approved_by/);
  });
});
