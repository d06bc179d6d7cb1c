import { type JsonValue, label } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from './checks/check.ts';
import { type ArgumentCondition, covers, type EventClass, matches, membership } from './event-class.ts';
import { AGENT, ANY, on, tool } from './session.fixture.ts';

function event(args: JsonValue = {}, part: Partial<Event> = {}, kind: 'call' | 'read' = 'call'): Event {
  const action = { kind, target: 'pay', args };
  const intent = {
    kind: 'intent',
    at: 0,
    certificate_id: 'c',
    principal: AGENT,
    capability: null,
    action,
  } as const;
  const full = { ...intent, epoch: 1, attributes: {} };
  const session = label('confidential', ['pii', 'tenant:acme'], 'untrusted');
  return {
    intent: full,
    time: 0,
    tool: tool({ effect: 'egress' }),
    effect: 'egress',
    label: session,
    ...part,
  };
}

const asking = (condition: Partial<ArgumentCondition>, pointer = '/x'): EventClass => {
  const open = { present: null, equals: null, matches: null, at_least: null, at_most: null };
  return on({ args: { [pointer]: { ...open, ...condition } } });
};

describe('an argument that cannot be told', () => {
  it.each<[string, Partial<ArgumentCondition>, JsonValue]>([
    ['missing', { equals: ['a'] }, {}],
    ['of another type', { equals: ['a'] }, { x: 1 }],
    ['a list where text belongs', { matches: ['a*'] }, { x: ['a'] }],
    ['text where a number belongs', { at_least: 5 }, { x: '9' }],
    ['null where text belongs', { equals: ['a'] }, { x: null }],
    ['nothing that a range could hold', { at_most: 5 }, { y: 1 }],
  ])('belongs to a prohibition and not to a permission: %s', (_about, condition, args) => {
    expect(membership(asking(condition), event(args))).toBe('unknown');
    expect(matches(asking(condition), event(args))).toBe(true);
  });

  it('is one of several of which some are in and some are not', () => {
    const every = asking({ at_most: 5 }, '/x/*');
    expect(membership(every, event({ x: [1, 9] }))).toBe('unknown');
    expect(membership(every, event({ x: [1, 2] }))).toBe('in');
    expect(membership(every, event({ x: [8, 9] }))).toBe('out');
    expect(membership(every, event({ x: [] }))).toBe('unknown');
  });

  it('never hides that another condition is not met', () => {
    const open = { present: null, equals: null, matches: null, at_least: null, at_most: null };
    const both = on({ args: { '/x': { ...open, equals: ['a'] }, '/y': { ...open, equals: ['b'] } } });
    expect(membership(both, event({ y: 'c' }))).toBe('out');
    expect(membership(both, event({ y: 'b' }))).toBe('unknown');
  });
});

describe('an argument', () => {
  it('is told by type and value, edges included and integers exact', () => {
    const told: readonly (readonly [Partial<ArgumentCondition>, JsonValue, string])[] = [
      [{ equals: ['a', 'b'] }, 'b', 'in'],
      [{ equals: ['a', 1] }, 1, 'in'],
      [{ equals: ['a', 1] }, 2, 'out'],
      [{ equals: [null] }, null, 'in'],
      [{ equals: [true] }, false, 'out'],
      [{ equals: [1] }, 9007199254740993n, 'out'],
      [{ at_least: 5 }, 9007199254740993n, 'in'],
      [{ at_least: 5, at_most: 7 }, 5, 'in'],
      [{ at_least: 5, at_most: 7 }, 7, 'in'],
      [{ at_least: 5, at_most: 7 }, 7.5, 'out'],
      [{ at_most: 0 }, -1n, 'in'],
      [{ matches: ['*@x.example', 'y'] }, 'a@x.example', 'in'],
      [{ matches: ['*@x.example', 'y'] }, 'a@x.example.org', 'out'],
      [{ matches: ['a*b*c'] }, 'a-b-b-c', 'in'],
      [{ present: true }, null, 'in'],
      [{ present: false }, 1, 'out'],
    ];
    for (const [condition, value, expected] of told)
      expect(
        membership(asking(condition), event({ x: value })),
        `${Object.keys(condition)} of ${value}`,
      ).toBe(expected);
  });

  it('is there or is not, and that can always be told', () => {
    expect(membership(asking({ present: true }), event({}))).toBe('out');
    expect(membership(asking({ present: false }), event({}))).toBe('in');
    expect(membership(asking({ present: true }, '/constructor'), event({}))).toBe('out');
    expect(membership(asking({ present: true }), event('no object'))).toBe('out');
  });

  it('is matched in time that grows with its length, however many wildcards there are', () => {
    const pattern = `${'*a'.repeat(400)}*b`;
    const started = performance.now();
    expect(membership(asking({ matches: [pattern] }), event({ x: 'a'.repeat(100_000) }))).toBe('out');
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('a class', () => {
  it('asks for the label that the session had, and for the acting tenant by its name', () => {
    const asks = (condition: Partial<NonNullable<EventClass['label']>>) =>
      membership(on({ label: { at_least: null, holds: null, integrity: null, ...condition } }), event());
    expect(asks({ at_least: 'confidential' })).toBe('in');
    expect(asks({ at_least: 'secret' })).toBe('out');
    expect(asks({ holds: ['pci', 'pii'] })).toBe('in');
    expect(asks({ holds: ['pci'] })).toBe('out');
    expect(asks({ holds: ['tenant:{tenant}'] })).toBe('in');
    expect(asks({ holds: ['tenant:globex'] })).toBe('out');
    expect(asks({ integrity: 'untrusted' })).toBe('in');
    expect(asks({ integrity: 'trusted', at_least: 'internal' })).toBe('out');
  });

  it('asks who acts: one of the ids and one of the roles', () => {
    const asks = (ids: readonly string[] | null, roles: readonly string[] | null) =>
      membership(on({ principal: { ids, roles } }), event());
    expect(asks(['agent-1', 'x'], null)).toBe('in');
    expect(asks(null, ['admin', 'support'])).toBe('in');
    expect(asks(['agent-1'], ['admin'])).toBe('out');
    expect(asks(['x'], ['support'])).toBe('out');
  });

  it('cannot tell of a target that the bundle does not name, nor of a document with the name of a tool', () => {
    expect(membership(on({ effects: ['read'] }), event({}, { effect: undefined }))).toBe('unknown');
    expect(membership(on({ tools: ['pay'] }), event({}, {}, 'read'))).toBe('unknown');
    expect(membership(on({ tools: ['pay'] }), event())).toBe('in');
  });

  it('covers a tool only where it asks for nothing else', () => {
    expect(covers(ANY, 'pay', 'egress')).toBe(true);
    expect(covers(on({ tools: ['pay'], effects: ['egress'] }), 'pay', 'egress')).toBe(true);
    expect(covers(on({ effects: ['read'] }), 'pay', 'egress')).toBe(false);
    expect(covers(asking({ present: true }), 'pay', 'egress')).toBe(false);
    expect(covers(on({ principal: { ids: ['a'], roles: null } }), 'pay', 'egress')).toBe(false);
  });

  it('has no more events the more it asks', () => {
    const condition = fc.record({
      present: fc.constantFrom(null, true),
      equals: fc.constantFrom(null, [1, 2], ['a']),
      matches: fc.constantFrom(null, ['a*']),
      at_least: fc.constantFrom(null, 1),
      at_most: fc.constantFrom(null, 1),
    });
    const value = fc.constantFrom<JsonValue>({}, { x: 1 }, { x: 2 }, { x: 'a' }, { x: null }, { x: [1] });
    const order = { in: 2, unknown: 1, out: 0 };
    fc.assert(
      fc.property(condition, condition, value, (less, more, args) => {
        const one = on({ args: { '/x': less } });
        const two = on({ args: { '/x': less, '/x/*': more } });
        expect(order[membership(two, event(args))]).toBeLessThanOrEqual(order[membership(one, event(args))]);
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});
