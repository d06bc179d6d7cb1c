import type { JsonValue, Label } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoadedBundle } from '../load-bundle.ts';
import { decideAgain } from '../replay/decide-again.ts';
import { type PlayedSession, playedTrace, underEnvironment } from '../replay/played-session.ts';
import { ENFORCED } from '../replay/replay.ts';
import { AGENT, ANY, bundle, clause, ENFORCE, on, PERMIT_ALL, parameter, tool } from '../session.fixture.ts';
import { type Change, changedBundle, changedInputs } from './change.ts';
import { whyNot } from './smallest-change.ts';

const SECRET = { level: 'secret', compartments: [], integrity: 'untrusted' } as const;
const PUBLIC: Label = { level: 'public', compartments: [], integrity: 'untrusted' };

const TOOLS = {
  look: tool(),
  dig: tool({ returns: SECRET }),
  send: tool({ effect: 'egress', clearance: PUBLIC }),
  pay: tool({
    effect: 'write',
    clearance: SECRET,
    parameters: {
      '/to': parameter({ from: [{ kind: 'prompt' }, { kind: 'constant', set: 'team' }] }),
    },
  }),
};
const CLAUSES = [
  clause({ id: 'no-leak', kind: 'flow', rule: 'session_label', on: ANY }),
  clause({ id: 'known-payee', kind: 'flow', rule: 'parameters', on: ANY }),
  clause({
    id: 'no-send-after-dig',
    kind: 'trace',
    pattern: {
      kind: 'after_never',
      after: on({ tools: ['dig'] }),
      never: on({ tools: ['send'] }),
      until: null,
    },
  }),
  clause({
    id: 'few-looks',
    kind: 'limit',
    on: on({ tools: ['look'] }),
    max: 2,
    window_ms: null,
    tolerance_ms: 0,
  }),
];
const GUARDED = bundle({ tools: TOOLS, constants: { team: ['ann'] }, clauses: CLAUSES });

function session(
  given: LoadedBundle,
  steps: readonly (string | readonly [string, JsonValue])[],
  more: object = {},
): PlayedSession {
  const events = steps.map((one, index) => {
    const [target, args] = typeof one === 'string' ? [one, {}] : one;
    const action = { kind: 'call', target, args } as const;
    return {
      at: 1000 * index,
      action,
      outcome: 'done',
      result: `result ${index}`,
      epoch: 1,
      ...more,
    } as const;
  });
  return playedTrace(given.crypto, { session: 's', principal: AGENT, prompt: null, events }, ENFORCE);
}

/** An independent check: the whole session from its beginning, under the changes. */
function isAllowedUnder(
  given: LoadedBundle,
  played: PlayedSession,
  place: number,
  changes: readonly Change[],
) {
  const end = played.inputs.findIndex(({ input, place: at }) => input.kind === 'intent' && at === place);
  const inputs = changedInputs(played.inputs.slice(0, end + 1), changes);
  return [...decideAgain(changedBundle(given, changes), inputs)].at(-1)?.decision?.effect === 'allow';
}

describe('why an action is not let through', () => {
  it('names what no mode weakens, and suggests nothing against it', () => {
    const stale = session(GUARDED, ['look', 'send']);
    const inputs = stale.inputs.map((one) =>
      one.input.kind === 'open' ? { ...one, input: { ...one.input, epoch: 5 } } : one,
    );
    const { unweakened, bundle: ofBundle, session: ofSession } = whyNot(GUARDED, { ...stale, inputs }, 1);
    expect(unweakened.map(({ code }) => code)).toEqual(['EPOCH_STALE']);
    expect([ofBundle.sets, ofSession.sets]).toEqual([[], []]);
    const foreign = whyNot(bundle({ tenants: ['globex'] }), session(GUARDED, ['send']), 0);
    expect(foreign.unweakened.map(({ code }) => code)).toEqual(['CROSS_TENANT']);
  });

  it('finds every clause that is in the way, and no other', () => {
    const { bundle: found, session: other } = whyNot(
      GUARDED,
      session(GUARDED, ['look', 'dig', 'look', 'send']),
      3,
    );
    expect(found).toEqual({
      sets: [
        [
          { kind: 'clause in monitor', clause: 'no-leak' },
          { kind: 'clause in monitor', clause: 'no-send-after-dig' },
        ],
      ],
      proof: 'smallest',
      searched: 2,
    });
    expect(other).toEqual({
      sets: [[{ kind: 'action not done before', place: 1, target: 'dig' }]],
      proof: 'smallest',
      searched: 1,
    });
  });

  it('finds where a value could have come from', () => {
    const { bundle: found, session: other } = whyNot(GUARDED, session(GUARDED, [['pay', { to: 'eve' }]]), 0);
    expect(found.sets).toEqual([
      [{ kind: 'clause in monitor', clause: 'known-payee' }],
      [{ kind: 'value in a set', set: 'team', parameter: '/to', value: 'eve' }],
    ]);
    expect(other.sets).toEqual([[{ kind: 'value in the prompt', parameter: '/to', value: 'eve' }]]);
  });

  it('finds a limit that any earlier action would have left room under', () => {
    const { session: found } = whyNot(GUARDED, session(GUARDED, ['look', 'dig', 'look', 'look']), 3);
    expect(found.sets).toEqual([
      [{ kind: 'action not done before', place: 0, target: 'look' }],
      [{ kind: 'action not done before', place: 2, target: 'look' }],
    ]);
  });

  it('finds the role that is missing, and default deny', () => {
    const byRole = bundle({ tools: TOOLS }, [
      { ...PERMIT_ALL, principal: { op: 'in', entity: { type: 'Role', id: 'boss' } } },
    ]);
    const { bundle: found, session: other } = whyNot(byRole, session(byRole, ['look']), 0);
    expect(found.sets).toEqual([[{ kind: 'default deny in monitor' }]]);
    expect(other.sets).toEqual([[{ kind: 'role held', role: 'boss' }]]);
  });

  it('finds the clause that holds, and gives the ticket that waits', () => {
    const hold = clause({
      id: 'ask-first',
      kind: 'hold',
      on: on({ tools: ['send'] }),
      approvals: 1,
      approvers: { roles: ['boss'], ids: [] },
      within_ms: 1000,
    });
    const held = bundle({ tools: TOOLS, clauses: [hold] });
    const { decision, bundle: found } = whyNot(held, session(held, ['send']), 0);
    expect(decision).toMatchObject({ effect: 'hold', ticket: expect.stringMatching(/./) });
    expect(found.sets).toEqual([[{ kind: 'clause in monitor', clause: 'ask-first' }]]);
  });

  describe('of what a release lets wait for an approval', () => {
    const release = (rule: 'endorse' | 'declassify', from: Label) =>
      clause({
        id: rule,
        kind: 'release',
        rule,
        on: ANY,
        parameter: rule === 'endorse' ? '/to' : null,
        type: null,
        from,
        to: rule === 'endorse' ? { ...from, integrity: 'trusted' } : PUBLIC,
        approver: { approvals: 1, approvers: { roles: ['boss'], ids: [] }, within_ms: 1000 },
      });
    const asking = (more: object = {}) =>
      bundle({
        tools: TOOLS,
        constants: { team: ['ann'] },
        clauses: [...CLAUSES.slice(0, 2), release('endorse', SECRET), release('declassify', SECRET)],
        ...more,
      });

    it('finds the clauses that would refuse without it, and where a value could have come from', () => {
      const given = asking();
      const played = session(given, ['dig', ['pay', { to: 'eve' }]]);
      const { decision, bundle: found, session: other } = whyNot(given, played, 1);
      expect(decision.reasons).toMatchObject([{ code: 'APPROVAL_REQUIRED', clause: 'endorse' }]);
      expect(found).toMatchObject({ proof: 'smallest', searched: 1 });
      expect(found.sets).toEqual([
        [{ kind: 'clause in monitor', clause: 'known-payee' }],
        [{ kind: 'value in a set', set: 'team', parameter: '/to', value: 'eve' }],
      ]);
      expect(other.sets).toContainEqual([{ kind: 'value in the prompt', parameter: '/to', value: 'eve' }]);
      for (const set of [...found.sets, ...other.sets])
        expect(isAllowedUnder(given, played, 1, set)).toBe(true);
    });

    it('finds the clause that keeps what was read from leaving', () => {
      const given = asking();
      const { decision, bundle: found } = whyNot(given, session(given, ['dig', 'send']), 1);
      expect(decision.reasons).toMatchObject([{ code: 'APPROVAL_REQUIRED', clause: 'declassify' }]);
      expect(found.sets).toEqual([[{ kind: 'clause in monitor', clause: 'no-leak' }]]);
    });

    it('weakens no clause for it under high assurance', () => {
      const given = asking({ assurance: 'high' });
      const { bundle: found } = whyNot(given, session(given, [['pay', { to: 'eve' }]]), 0);
      expect(found.sets).toEqual([[{ kind: 'value in a set', set: 'team', parameter: '/to', value: 'eve' }]]);
    });
  });

  it('weakens nothing under high assurance', () => {
    const high = bundle({ tools: TOOLS, assurance: 'high', clauses: CLAUSES });
    expect(whyNot(high, session(high, ['dig', 'send']), 1).bundle).toEqual({
      sets: [],
      proof: 'none',
      searched: 0,
    });
  });

  it('says when its bound ended the search, and what it tells of does it all the same', () => {
    const many = session(GUARDED, [...Array.from({ length: 12 }, () => 'dig'), 'send']);
    const { session: found } = whyNot(GUARDED, many, 12, 2_000);
    expect(found).toMatchObject({ proof: 'bound', searched: 2 });
    expect(found.sets[0]).toHaveLength(12);
    expect(isAllowedUnder(GUARDED, many, 12, found.sets[0] ?? [])).toBe(true);
    const nothing = whyNot(GUARDED, many, 12, 0);
    expect([nothing.bundle.proof, nothing.session]).toEqual([
      'bound',
      { sets: [], proof: 'bound', searched: 0 },
    ]);
  });

  it('has nothing to say of what is let through', () => {
    expect(whyNot(GUARDED, session(GUARDED, ['look']), 0)).toMatchObject({
      decision: { effect: 'allow' },
      bundle: { sets: [] },
      session: { sets: [] },
    });
  });

  it('is as small as trying everything finds, and is played', () => {
    const steps = fc.array(fc.constantFrom('look', 'dig', 'send', 'pay'), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(steps, (names) => {
        const played = session(
          GUARDED,
          names.map((name) => (name === 'pay' ? ['pay', { to: 'eve' }] : name)),
        );
        const place = names.length - 1;
        const { decision, bundle: ofBundle, session: ofSession } = whyNot(GUARDED, played, place);
        if (decision.effect === 'allow') return;
        for (const set of [...ofBundle.sets, ...ofSession.sets])
          expect(isAllowedUnder(GUARDED, played, place, set)).toBe(true);
        const clauses = CLAUSES.map(({ id }) => ({ kind: 'clause in monitor', clause: id }) as const);
        const absences = names
          .slice(0, -1)
          .map((target, at) => ({ kind: 'action not done before', place: at, target }) as const);
        const smallest = (changes: readonly Change[]) =>
          subsets(changes)
            .filter((set) => isAllowedUnder(GUARDED, played, place, set))
            .reduce((least, { length }) => Math.min(least, length), Number.POSITIVE_INFINITY);
        // A value in a set is never worse than a clause.
        expect(ofBundle.sets[0]?.length).toBe(smallest(clauses));
        const least = names.at(-1) === 'pay' ? 1 : smallest(absences);
        expect(ofSession.sets[0]?.length ?? Number.POSITIVE_INFINITY).toBe(least);
      }),
      { numRuns: 60 },
    );
  });
});

function subsets<T>(items: readonly T[]): readonly (readonly T[])[] {
  const [first, ...rest] = items;
  if (first === undefined) return [[]];
  const others = subsets(rest);
  return others.concat(others.map((set) => [first, ...set]));
}

describe('another environment', () => {
  it('holds from the opening on, whatever is on record', () => {
    const played = session(GUARDED, ['dig', 'send']);
    const shadow = underEnvironment(played, { ...ENFORCED, enforcement_mode: 'shadow' });
    expect(
      [...decideAgain(GUARDED, shadow.inputs)].flatMap(({ decision }) => decision?.effect ?? []),
    ).toEqual(['allow', 'allow']);
  });
});
