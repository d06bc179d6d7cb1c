import type { JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certified } from '../../certified.ts';
import { ANY, bundle, clause, codes, parameter, TestSession, tool } from '../../session.fixture.ts';
import { releaseProblem } from './release-problem.ts';
import type { LabelTemplate, ReleaseRule } from './rules.ts';

const label = (
  level: LabelTemplate['level'],
  compartments: readonly string[],
  integrity: LabelTemplate['integrity'],
): LabelTemplate => ({ level, compartments, integrity });
const SECRET = label('secret', ['pii', 'tenant:{tenant}'], 'untrusted');
const SINK = label('internal', ['tenant:{tenant}'], 'untrusted');
const SPY = label('public', [], 'untrusted');
const BOOKED = { ...ANY, tools: ['book'] };
const DECLASSIFY: ReleaseRule = {
  rule: 'declassify',
  on: BOOKED,
  parameter: '/day',
  type: 'date',
  from: SECRET,
  to: SINK,
};
const ENDORSE: ReleaseRule = {
  rule: 'endorse',
  on: BOOKED,
  parameter: '/amount',
  type: 'amount',
  from: SPY,
  to: label('public', [], 'trusted'),
};

type Part = Partial<ReleaseRule> & { id: string; mode?: 'monitor'; expires?: number };
const desk = (...releases: readonly Part[]) =>
  bundle({
    tools: {
      read: tool({ returns: SECRET }),
      spy: tool({ returns: SPY }),
      book: tool({
        effect: 'egress',
        clearance: SINK,
        parameters: { '/amount': parameter({ from: [{ kind: 'prompt' }], optional: true }) },
      }),
    },
    clauses: [
      clause({ id: 'vouched', kind: 'flow', rule: 'parameters', on: ANY }),
      clause({ id: 'leak', kind: 'flow', rule: 'session_label', on: ANY }),
      ...releases.map((part) =>
        clause({ ...(part.rule === 'endorse' ? ENDORSE : DECLASSIFY), kind: 'release', ...part }),
      ),
    ],
  });

function asked(releases: readonly Part[], args: JsonValue, reading = 'read') {
  const session = new TestSession(desk(...releases));
  session.call(reading, {}, 'the patient is Bo; 7');
  return session.ask('book', args);
}

const DAY = { id: 'day' };

describe('a declassification', () => {
  it.each<[string, readonly Part[], JsonValue]>([
    ['another argument that could carry all that was read', [DAY], { day: '2024-03-15', note: 'Bo is ill' }],
    ['a member that the agent named', [DAY], { day: '2024-03-15', bo_is_ill: {}, x: { bo: '2024-03-15' } }],
    ['names below the argument', [{ ...DAY, type: null }], { day: { bo: '2024-03-15' } }],
    ['a value of another type', [DAY], { day: 'Bo is ill' }],
    ['a list of which one value has another type', [DAY], { day: ['2024-03-15', 'Bo'] }],
    ['a member that the agent named and left empty', [DAY], { day: '2024-03-15', 'Bo is ill': [] }],
    ['an empty list beside it', [DAY], { day: '2024-03-15', note: [] }],
    ['lists whose nesting spells something out', [DAY], { day: ['2024-03-15', [[], [[]]]] }],
    ['lists of lists', [DAY], { day: [['2024-03-15'], ['2024-03-15']] }],
    ['nothing but an empty list', [DAY], { day: [] }],
    ['more days than a message needs', [DAY], { day: Array.from({ length: 17 }, () => '2024-03-15') }],
    ['no arguments', [DAY], {}],
    ['a day that is none', [DAY], { day: '2024-03-15T10:00:00+Bo' }],
    [
      'less than it was made for',
      [{ ...DAY, from: label('confidential', SECRET.compartments, 'untrusted') }],
      { day: '2024-03-15' },
    ],
    [
      'too little for the sink',
      [{ ...DAY, to: label('confidential', ['tenant:{tenant}'], 'untrusted') }],
      { day: '2024-03-15' },
    ],
    ['another tool', [{ ...DAY, on: { ...ANY, tools: ['spy'] } }], { day: '2024-03-15' }],
    [
      'what cannot be told',
      [
        {
          ...DAY,
          on: {
            ...BOOKED,
            args: { '/room': { present: null, equals: ['a'], matches: null, at_least: null, at_most: null } },
          },
        },
      ],
      { day: '2024-03-15' },
    ],
    ['a clause past its expiry', [{ ...DAY, expires: 999_999 }], { day: '2024-03-15' }],
    ['a clause that is not enforced', [{ ...DAY, mode: 'monitor' }], { day: '2024-03-15' }],
  ])('does not open for %s', (_what, releases, args) => {
    const decision = asked(releases, args);
    expect(codes(decision)).toEqual(['LABEL_FLOW']);
    expect(decision.releases).toEqual([]);
  });

  it('releases a typed argument, and says so in the decision and the certificate', () => {
    const decision = asked([DAY], { day: '2024-03-15' });
    expect(decision).toMatchObject({ effect: 'allow', releases: ['day'] });
    expect(certified(decision).checks).toContainEqual({ check: 'release:day', verdict: 'accept' });
    expect(decision.label.level).toBe('secret');
  });

  it('releases a call whose every argument some clause releases', () => {
    const room = { id: 'room', parameter: '/rooms/*', type: 'id' } as const;
    expect(asked([DAY, room], { day: '2024-03-15', rooms: ['a1', 'b2'] }).releases).toEqual(['day', 'room']);
    expect(asked([DAY, room], { day: '2024-03-15', rooms: ['a1', 'Bo is ill'] }).effect).toBe('block');
  });

  it('releases a whole call where its clause names no argument', () => {
    const whole = { id: 'whole', parameter: null, type: null } as const;
    expect(asked([whole], { note: 'anything' })).toMatchObject({ effect: 'allow', releases: ['whole'] });
  });

  it('is not used where nothing has to be released', () => {
    expect(asked([DAY], { day: '2024-03-15' }, 'spy').releases).toEqual([]);
  });

  it('keeps the tenant’s compartment even if an IR says otherwise', () => {
    const clause = { ...DAY, to: label('internal', [], 'untrusted') };
    const session = new TestSession(desk(clause));
    session.call('read', {}, 'x');
    const open = bundle({
      ...session.bundle.ir,
      tools: {
        ...session.bundle.ir.tools,
        book: tool({ effect: 'egress', clearance: label('internal', [], 'untrusted') }),
      },
    });
    const other = new TestSession(open);
    other.call('read', {}, 'x');
    expect(codes(other.ask('book', { day: '2024-03-15' }))).toEqual(['LABEL_FLOW']);
  });
});

describe('an endorsement', () => {
  const small = {
    id: 'small',
    rule: 'endorse',
    on: {
      ...BOOKED,
      args: { '/amount': { present: null, equals: null, matches: null, at_least: 0, at_most: 100 } },
    },
  } as const;

  it.each<[string, JsonValue]>([
    ['an amount above the bound', 101],
    ['an amount of another type', '7'],
    ['a list with one amount above', [7, 101]],
    ['a negative one', -1],
  ])('does not open for %s', (_what, amount) => {
    expect(codes(asked([small], { amount }, 'spy'))).toContain('UNTRUSTED_ARGUMENT');
  });

  it('takes an argument as trusted where its condition certainly holds', () => {
    expect(asked([small], { amount: 7 }, 'spy')).toMatchObject({ effect: 'allow', releases: ['small'] });
    expect(asked([{ ...small, mode: 'monitor' }], { amount: 7 }, 'spy').effect).toBe('block');
  });
});

describe('what may be written as a release', () => {
  const level = fc.constantFrom('public', 'internal', 'confidential', 'secret');
  const labels = fc.record({
    level,
    compartments: fc.subarray(['pii', 'pay', 'tenant:acme', 'tenant:{tenant}']).map((names) => names.sort()),
    integrity: fc.constantFrom('trusted', 'untrusted'),
  });
  const release = fc.record({
    rule: fc.constantFrom('declassify', 'endorse'),
    on: fc.constant(ANY),
    parameter: fc.constantFrom(null, '/a'),
    type: fc.constantFrom(null, 'date'),
    from: labels,
    to: labels,
  }) as fc.Arbitrary<ReleaseRule>;

  it('goes down, keeps every tenant, and changes one thing only', () => {
    fc.assert(
      fc.property(release, (rule) => {
        if (releaseProblem(rule) !== undefined) return;
        const { from, to } = rule;
        const rank = (of: string) => ['public', 'internal', 'confidential', 'secret'].indexOf(of);
        expect(rank(to.level)).toBeLessThanOrEqual(rank(from.level));
        expect(to.compartments.every((name) => from.compartments.includes(name))).toBe(true);
        expect(
          from.compartments.filter((name) => name.startsWith('tenant:') && !to.compartments.includes(name)),
        ).toEqual([]);
        expect(to).not.toEqual(from);
        expect(rule.rule === 'declassify').toBe(to.integrity === from.integrity);
        if (rule.rule === 'endorse')
          expect({ ...to, integrity: 'untrusted' }).toEqual({ ...from, integrity: 'untrusted' });
      }),
    );
  });

  it('forms no cycle: no chain of releases leads back to where it began', () => {
    fc.assert(
      fc.property(fc.array(release, { maxLength: 12 }), (rules) => {
        const edges = rules.filter((rule) => releaseProblem(rule) === undefined);
        const key = (of: LabelTemplate) => JSON.stringify(of);
        const leadsBack = (at: string, goal: string, left: number): boolean =>
          left > 0 &&
          edges.some(
            ({ from, to }) => key(from) === at && (key(to) === goal || leadsBack(key(to), goal, left - 1)),
          );
        expect(edges.some(({ from }) => leadsBack(key(from), key(from), 6))).toBe(false);
      }),
    );
  });
});
