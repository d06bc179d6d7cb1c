import { BOTTOM, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clause, LimitClause, ToolAmount } from '../../compiled-bundle.ts';
import { CountedUsage } from '../../counted-usage.ts';
import type { IntentInput, UsageFact } from '../../input.ts';
import type { Decision } from '../../output.ts';
import { parseCompiledBundle } from '../../parse-bundle.ts';
import { parseInput } from '../../parse-input.ts';
import { AGENT, ANY, bundle, clause, codes, ENFORCE, on, TestSession, tool } from '../../session.fixture.ts';
import { sharedCharges } from '../../shared-charges.ts';
import { initialState, stateDigest } from '../../state.ts';
import { type RecordedInput, refold, step } from '../../step.ts';
import { amountOf, parseMicroUnits } from './amounts.ts';
import { keepsCharge } from './shared.ts';

const MICRO = 1_000_000;

function limit(part: Partial<LimitClause> = {}): Clause {
  return clause({ id: 'few', kind: 'limit', on: ANY, max: 2, window_ms: null, tolerance_ms: 0, ...part });
}

function limited(part: Partial<LimitClause>, cost: ToolAmount = { kind: 'argument', pointer: '/amount' }) {
  return bundle({ tools: { pay: tool({ cost }), look: tool() }, clauses: [limit(part)] });
}

const facts = (used: number, clauseId = 'few') => ({ usage: [{ clause: clauseId, used }] });

describe('an amount from an argument', () => {
  const budget = limited({ unit: 'cost', max: 10 * MICRO });
  const ask = (args: JsonValue) => new TestSession(budget).ask('pay', args);

  it.each<[string, JsonValue]>([
    ['no argument', {}],
    ['null', { amount: null }],
    ['a negative number', { amount: -1 }],
    ['a tiny negative number', { amount: -0.000001 }],
    ['text', { amount: '1' }],
    ['text with an exponent', { amount: '1e3' }],
    ['a truth value', { amount: true }],
    ['a seventh decimal', { amount: 0.0000001 }],
    ['what only a double can say', { amount: 1e-300 }],
    ['a huge double', { amount: 1e300 }],
    ['a large integer', { amount: 9_007_199_254_740_993n }],
    ['an integer of many digits', { amount: 10n ** 40n }],
    ['a negative large integer', { amount: -9_007_199_254_740_993n }],
    ['a list', { amount: [1] }],
    ['an object', { amount: { value: 1 } }],
    ['an argument of another spelling', { Amount: 1 }],
    ['a list in place of the arguments', [1]],
  ])('counts as the most where it is %s', (_what, args) => {
    const decision = ask(args);
    expect(decision.effect).toBe('block');
    expect(codes(decision)).toEqual(['BUDGET_EXCEEDED']);
  });

  it('is taken exactly, from the text that is forwarded', () => {
    const session = new TestSession(budget);
    for (let times = 0; times < 100; times += 1)
      expect(session.call('pay', { amount: 0.1 }).effect).toBe('allow');
    expect(codes(session.ask('pay', { amount: 0.000001 }))).toEqual(['BUDGET_EXCEEDED']);
    expect(session.call('pay', { amount: 0 }).effect).toBe('allow');
  });

  it('is the sum of all that its pointer names, none of which can be left out', () => {
    const items = limited({ unit: 'cost', max: 3 * MICRO }, { kind: 'argument', pointer: '/items/*/price' });
    const of = (list: JsonValue) => codes(new TestSession(items).ask('pay', { items: list }));
    const ask = (...prices: JsonValue[]) => of(prices.map((price) => ({ price })));
    expect(ask(1, 1, 1)).toEqual([]);
    for (const prices of [[1, 1, 1.000001], [], [1, 'x'], [1, -1], [9_007_199_254, 9_007_199_254]])
      expect(ask(...prices)).toEqual(['BUDGET_EXCEEDED']);
    for (const list of [
      [{ price: 1 }, {}],
      [{ price: 1 }, { prize: 1 }],
      [[{ price: 1 }]],
      'price',
      null,
      {},
    ])
      expect(of(list)).toEqual(['BUDGET_EXCEEDED']);
    expect(of({ first: { price: 1 }, second: { price: 2 } })).toEqual([]);
  });

  it('reads back every number of micro-units, and nothing else', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (micro) => {
        const text = `${Math.floor(micro / MICRO)}.${`${micro % MICRO}`.padStart(6, '0')}`;
        expect(parseMicroUnits(text)).toBe(micro);
      }),
    );
    for (const text of [
      '',
      '-1',
      '+1',
      '1.',
      '.5',
      '1e3',
      '0x10',
      ' 1',
      '1 ',
      '1.0000000',
      '9007199254.740992',
      '١',
    ])
      expect(parseMicroUnits(text), text).toBeUndefined();
  });
});

describe('a limit of the session', () => {
  it('of bytes cannot be told where a handle stands for a value of any length', () => {
    const action = { kind: 'call', target: 'look', args: { a: 1 } } as const;
    const intent = { kind: 'intent', at: 0, certificate_id: 'c', principal: AGENT, action } as never;
    const event = { intent, time: 0, tool: tool(), effect: 'read', label: BOTTOM } as const;
    const used = [{ id: 'h', path: ['a'] } as never];
    expect(amountOf(bundle(), { unit: 'bytes' }, event)).toBe(7);
    expect(amountOf(bundle(), { unit: 'bytes' }, { ...event, used })).toBeNull();
    expect(amountOf(bundle(), {}, { ...event, used })).toBe(1);
  });

  it('of a fixed cost refuses the call that would go beyond, and frees what leaves the window', () => {
    const part = { unit: 'cost', max: 0.05 * MICRO, window_ms: 1000, tolerance_ms: 10 } as const;
    const session = new TestSession(limited(part, { kind: 'fixed', micro: 0.02 * MICRO })).at(2_000_000);
    expect(codes(session.call('pay'))).toEqual([]);
    expect(codes(session.at(2_000_500).call('pay'))).toEqual([]);
    const over = session.call('pay');
    expect(codes(over)).toEqual(['LIMIT_EXCEEDED']);
    expect(over.reasons[0]?.witness).toEqual({
      ...{ used: 40_000, amount: 20_000, max: 50_000, window_ms: 1000, per: 'session', unit: 'cost' },
    });
    expect(codes(session.at(2_001_010).call('pay'))).toEqual(['LIMIT_EXCEEDED']);
    // A clock that was set back moves nothing.
    expect(codes(session.at(1).call('pay'))).toEqual(['LIMIT_EXCEEDED']);
    expect(codes(session.at(2_001_011).call('pay'))).toEqual([]);
    expect(codes(session.call('look'))).toEqual([]);
  });

  it('of bytes counts the canonical arguments, and a tool that costs nothing is free', () => {
    const session = new TestSession(limited({ unit: 'bytes', max: 20 }));
    expect(codes(session.call('look', { text: 'ä' }))).toEqual([]); // {"text":"ä"}: 13 bytes
    expect(codes(session.call('look', { t: 1 }))).toEqual([]); // 7 bytes
    expect(codes(session.call('look'))).toEqual(['BUDGET_EXCEEDED']);
    const costs = new TestSession(limited({ unit: 'cost', max: 1 }));
    expect(codes(costs.call('look'))).toEqual([]);
  });

  it('holds a tool that the bundle does not name for one that costs the most', () => {
    const open = bundle({
      tools: { pay: tool() },
      clauses: [limit({ unit: 'cost' })],
      default_mode: 'shadow',
    });
    expect(codes(new TestSession(open).ask('invented'))).toContain('BUDGET_EXCEEDED');
    const read = { action: { kind: 'read', target: 'demo://x', args: {} } } as const;
    expect(codes(new TestSession(open).ask('', {}, read))).not.toContain('BUDGET_EXCEEDED');
  });

  it('of calls without a window keeps its code and its witness', () => {
    const session = new TestSession(limited({ max: 1 }));
    session.call('look');
    const [reason] = session.call('look').reasons;
    expect(reason).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      witness: { counted: 1, max: 1, window_ms: null },
    });
  });

  it('never lets more than its max through in any window, and folds again to the same state', () => {
    const events = fc.array(fc.record({ amount: fc.nat(6), jump: fc.integer({ min: -20, max: 30 }) }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(events, fc.constantFrom(null, 50), (all, window_ms) => {
        const loaded = limited({ unit: 'cost', max: 12 * MICRO, window_ms });
        const session = new TestSession(loaded);
        const taken: { time: number; amount: number }[] = [];
        const history: RecordedInput[] = [];
        let state = initialState(loaded);
        const feed = (input: Parameters<typeof step>[2]) => {
          const stepped = step(loaded, state, input);
          const effect = stepped.output.kind === 'decision' ? { effect: stepped.output.effect } : {};
          history.push({ input, ...effect });
          state = stepped.state;
          return stepped.output;
        };
        const base = { tenant: 'acme', session: 's', principal: AGENT.id, environment: ENFORCE, epoch: 1 };
        feed({ kind: 'open', at: 1000, ...base });
        let at = 1000;
        for (const [index, { amount, jump }] of all.entries()) {
          at += jump;
          const action = { kind: 'call', target: 'pay', args: { amount } } as const;
          const rest = { principal: AGENT, capability: null, epoch: 1, attributes: {} };
          const intent: IntentInput = { kind: 'intent', at, certificate_id: `c${index}`, action, ...rest };
          if ((feed(intent) as Decision).effect === 'allow' && amount > 0)
            taken.push({ time: state.time, amount });
        }
        for (const { time } of taken) {
          const within = taken.filter(
            (one) => one.time <= time && (window_ms === null || one.time >= time - window_ms),
          );
          expect(within.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(12);
        }
        expect(stateDigest(loaded, refold(loaded, history))).toBe(stateDigest(loaded, state));
        expect(session.digest).not.toBe(stateDigest(bundle(), initialState(bundle())));
      }),
      { numRuns: 60 },
    );
  });

  it('tells states apart by the amounts that were taken', () => {
    const after = (amount: number) => {
      const session = new TestSession(limited({ unit: 'cost', max: 9 * MICRO }));
      session.call('pay', { amount });
      return session.state.limits;
    };
    expect(after(1)[0]?.chain).not.toBe(after(2)[0]?.chain);
    expect(after(1)[0]?.chain).toBe(after(1)[0]?.chain);
  });

  it('asks as fast in a window of many thousand events as in an empty one', () => {
    const part = { unit: 'bytes', max: 10_000_000, window_ms: 1_000_000 } as const;
    const session = new TestSession(limited(part));
    const spent = (times: number) => {
      const started = performance.now();
      for (let index = 0; index < times; index += 1) session.call('look', { a: 1 }, null);
      return performance.now() - started;
    };
    spent(1000);
    const early = spent(1000);
    spent(8000);
    expect(spent(1000)).toBeLessThan(10 * early + 50);
    expect(session.state.limits[0]?.times.length).toBe(11_000);
  });
});

describe('a limit that sessions share', () => {
  const shared = limited({ per: 'tenant', max: 3, window_ms: 1000 });

  it('refuses an event that comes without what others have taken, by its clause and in its mode', () => {
    const decision = new TestSession(shared).ask('look');
    expect(decision).toMatchObject({ verdict: 'error', effect: 'block' });
    expect(decision.reasons).toMatchObject([{ code: 'EVAL_ERROR', clause: 'few', check: 'limits' }]);
    expect(codes(new TestSession(shared).ask('look', {}, facts(0, 'another')))).toEqual(['EVAL_ERROR']);
    const watched = limited({ per: 'tenant', max: 3, mode: 'monitor' });
    expect(new TestSession(watched).ask('look')).toMatchObject({ effect: 'allow', verdict: 'error' });
  });

  it('goes by the recorded fact and keeps no state of its own', () => {
    const session = new TestSession(shared);
    for (const used of [2, 2, 0]) expect(codes(session.ask('look', {}, facts(used)))).toEqual([]);
    const over = session.ask('look', {}, facts(3));
    expect(over.reasons).toMatchObject([
      { code: 'LIMIT_EXCEEDED', witness: { used: 3, amount: 1, max: 3, per: 'tenant', unit: 'calls' } },
    ]);
    expect(codes(session.ask('look', {}, facts(Number.MAX_SAFE_INTEGER)))).toEqual(['LIMIT_EXCEEDED']);
    expect(session.state.limits).toEqual([]);
  });

  it('without a window is a budget', () => {
    const budget = limited({ per: 'principal', max: 3 });
    expect(codes(new TestSession(budget).ask('look', {}, facts(3)))).toEqual(['BUDGET_EXCEEDED']);
  });

  it('refuses an amount that cannot be told, or is above all there is, whatever the fact says', () => {
    const costs = limited({ per: 'tenant', unit: 'cost', max: 3 * MICRO });
    for (const amount of ['x', 3.000001, 9_007_199_254_740_993n])
      expect(codes(new TestSession(costs).ask('pay', { amount }, facts(0)))).toEqual(['BUDGET_EXCEEDED']);
    expect(codes(new TestSession(costs).ask('pay', { amount: 3 }, facts(0)))).toEqual([]);
  });

  const chargesOf = (part: Partial<LimitClause>, target: string, kind: 'call' | 'read' = 'call') => {
    const loaded = bundle({ tools: { '*': tool(), pay: tool() }, clauses: [limit(part)] });
    const { state } = new TestSession(loaded);
    const action = { kind, target, args: {} };
    const rest = { principal: AGENT, capability: null, epoch: 1, attributes: {} };
    return sharedCharges(loaded, state, { kind: 'intent', at: 0, certificate_id: 'c', action, ...rest });
  };

  it('counts for the tenant, for each principal or for each tool, and tools of invented names as one', () => {
    expect(chargesOf({ per: 'tenant' }, 'pay')).toMatchObject([{ key: 'tenant', amount: 1, unit: 'calls' }]);
    expect(chargesOf({ per: 'principal' }, 'pay')).toMatchObject([
      { key: expect.stringMatching(/^principal:[0-9a-f]{32}$/) },
    ]);
    expect(chargesOf({ per: 'tool' }, 'pay')).toMatchObject([{ key: 'tool:pay' }]);
    for (const name of ['pay2', '__proto__', 'tool:pay'])
      expect(chargesOf({ per: 'tool' }, name)).toMatchObject([{ key: 'tool:*' }]);
    expect(chargesOf({ per: 'tool' }, 'pay', 'read')).toMatchObject([{ key: 'documents' }]);
    expect(chargesOf({ per: 'tool', on: on({ tools: ['other'] }) }, 'pay')).toEqual([]);
  });

  it('keeps a charge only of what was allowed, and not of the clause that it violated', () => {
    const watched = bundle({
      tools: { look: tool() },
      clauses: [limit({ id: 'a', per: 'tenant', mode: 'monitor' }), limit({ id: 'b', per: 'tenant' })],
    });
    const usage = [
      { clause: 'a', used: 9 },
      { clause: 'b', used: 0 },
    ];
    const decision = new TestSession(watched).ask('look', {}, { usage });
    expect([keepsCharge(decision, 'a'), keepsCharge(decision, 'b')]).toEqual([false, true]);
    const refused = new TestSession(watched).ask(
      'look',
      {},
      { usage: usage.toReversed().map((fact) => ({ ...fact, used: 9 })) },
    );
    expect([keepsCharge(refused, 'a'), keepsCharge(refused, 'b')]).toEqual([false, false]);
  });

  it('has every fact that `step` asks for, once what is listed was reserved', () => {
    const some = fc.record({
      per: fc.constantFrom('principal', 'tenant', 'tool') as fc.Arbitrary<'tenant'>,
      unit: fc.option(fc.constantFrom('bytes', 'cost', 'epsilon') as fc.Arbitrary<'cost'>, {
        nil: undefined,
      }),
      max: fc.integer({ min: 1, max: 20 }),
      tools: fc.option(fc.subarray(['pay', 'look', 'other'], { minLength: 1 })),
    });
    const asked = fc.tuple(
      fc.constantFrom('pay', 'look', 'other'),
      fc.constantFrom<JsonValue>(0.000003, 0, 1, -1, 'x', null),
    );
    fc.assert(
      fc.property(
        fc.array(some, { minLength: 1, maxLength: 4 }),
        fc.array(asked, { maxLength: 8 }),
        (clauses, asks) => {
          const amount = { kind: 'argument', pointer: '/amount' } as const;
          const loaded = bundle({
            tools: {
              '*': tool(),
              pay: tool({ cost: amount, epsilon: { kind: 'fixed', micro: 4 } }),
              look: tool(),
            },
            clauses: clauses.map(({ per, unit, max, tools }, index) =>
              limit({ id: `c${index}`, per, max, on: on({ tools }), ...(unit && { unit }) }),
            ),
          });
          const session = new TestSession(loaded);
          const counted = new CountedUsage();
          for (const [target, value] of asks) {
            const action = { kind: 'call', target, args: { amount: value } } as const;
            const rest = { principal: AGENT, capability: null, epoch: 1, attributes: {} };
            const plain: IntentInput = {
              kind: 'intent',
              at: 1_000_000,
              certificate_id: 'c',
              action,
              ...rest,
            };
            const { intent, decided } = counted.asked(loaded, session.state, plain);
            const decision = session.feed(intent) as Decision;
            expect(codes(decision)).not.toContain('EVAL_ERROR');
            decided(decision);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('what is read back', () => {
  const ir = limited({ per: 'tenant', unit: 'cost', max: 5 }).ir as unknown as JsonObject;
  const withLimit = (change: JsonObject): JsonValue => {
    const clauses = (ir.clauses as JsonObject[]).map((each) =>
      each.id === 'few' ? { ...each, ...change } : each,
    );
    return { ...ir, clauses };
  };
  const withTool = (change: JsonObject): JsonValue => ({
    ...ir,
    tools: {
      ...(ir.tools as JsonObject),
      pay: { ...((ir.tools as JsonObject).pay as JsonObject), ...change },
    },
  });

  it('of a bundle is refused where no compiler of ours wrote it', () => {
    expect(parseCompiledBundle(ir)).toEqual(ir);
    for (const wrong of [
      withLimit({ per: 'session' }),
      withLimit({ per: null }),
      withLimit({ unit: 'calls' }),
      withLimit({ max: 0 }),
      withLimit({ max: 0.5 }),
      withTool({ cost: 5 }),
      withTool({ cost: { kind: 'fixed', micro: -1 } }),
      withTool({ cost: { kind: 'fixed', micro: 0.5 } }),
      withTool({ epsilon: { kind: 'argument', pointer: 'a' } }),
      withTool({ epsilon: { kind: 'argument', pointer: '/a', micro: 1 } }),
    ])
      expect(() => parseCompiledBundle(wrong)).toThrow(expect.objectContaining({ code: 'BUNDLE_MALFORMED' }));
  });

  it('of an input has each fact once, as a count; without any it is what it always was', () => {
    const plain = {
      kind: 'intent',
      at: 1,
      certificate_id: 'c',
      principal: AGENT,
      capability: null,
      epoch: 1,
    };
    const intent = {
      ...plain,
      action: { kind: 'call', target: 't', args: {} },
      attributes: {},
    } as unknown as JsonObject;
    expect(parseInput(intent)).toEqual(intent);
    const usage: UsageFact[] = [{ clause: 'few', used: 3 }];
    expect(parseInput({ ...intent, usage } as unknown as JsonObject)).toEqual({ ...intent, usage });
    const few = { clause: 'few', used: 1 };
    for (const wrong of [
      null,
      {},
      [few, few],
      [{ ...few, used: -1 }],
      [{ ...few, used: 0.5 }],
      [{ ...few, used: '1' }],
      [{ used: 1 }],
    ])
      expect(() => parseInput({ ...intent, usage: wrong } as JsonObject)).toThrow('`');
  });
});
