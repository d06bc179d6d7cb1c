import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadCedar } from './cedar/index.ts';
import {
  AGENT,
  ANY,
  bundle,
  clause,
  codes,
  ENFORCE,
  on,
  PERMIT_ALL,
  parameter,
  TestSession,
  tool,
} from './session.fixture.ts';
import { initialState, stateDigest } from './state.ts';
import type { RecordedInput } from './step.ts';
import { refold } from './step.ts';

const SECRET = { level: 'secret', compartments: ['tenant:{tenant}'], integrity: 'untrusted' } as const;
const INTERNAL_SINK = { level: 'internal', compartments: [], integrity: 'untrusted' } as const;

const desk = bundle({
  tools: {
    read: tool({ returns: SECRET }),
    look: tool(),
    write: tool({ effect: 'write', clearance: SECRET }),
    send: tool({
      effect: 'egress',
      once: true,
      clearance: INTERNAL_SINK,
      parameters: { '/to': rule('/to') },
    }),
    open: tool({ parameters: { '/path': parameter({ stores: ['own'] }) } }),
    drop: tool({ effect: 'admin' }),
  },
  stores: { own: { paths: ['tenants/{tenant}/**', 'kb/*.md'], label: SECRET, accepts: SECRET } },
  constants: { desks: ['desk@acme.example', 7] },
  documents: [
    { uri: 'doc://*', label: SECRET },
    { uri: 'web://*', label: INTERNAL_SINK, clearance: INTERNAL_SINK },
  ],
  clauses: [
    clause({
      id: 'no-drop',
      kind: 'trace',
      pattern: { kind: 'never', never: on({ tools: ['drop'] }) },
    }),
    clause({
      id: 'no-write-after-send',
      kind: 'trace',
      pattern: {
        kind: 'after_never',
        after: on({ effects: ['egress'] }),
        never: on({ effects: ['write'] }),
        until: null,
      },
    }),
    clause({ id: 'no-leak', kind: 'flow', rule: 'session_label', on: ANY }),
    clause({ id: 'vouched', kind: 'flow', rule: 'parameters', on: ANY }),
    clause({
      id: 'few',
      kind: 'limit',
      on: on({ tools: ['look'] }),
      max: 2,
      window_ms: 1000,
      tolerance_ms: 100,
    }),
  ],
});

function rule(_pointer: string) {
  const from = [
    { kind: 'prompt' },
    { kind: 'constant', set: 'desks' },
    { kind: 'result', tool: 'look', field: null },
  ] as const;
  return parameter({ from });
}

describe('who may ask', () => {
  const intent = (more: object) => codes(new TestSession(desk).ask('look', {}, more));

  it('refuses another tenant, another principal, a stale or future epoch, an expired or narrower capability', () => {
    expect(intent({ principal: { ...AGENT, tenant: 'globex' } })).toContain('CROSS_TENANT');
    expect(intent({ principal: { ...AGENT, id: 'agent-2' } })).toEqual(['CAP_MISS']);
    expect(intent({ epoch: 0 })).toEqual(['EPOCH_STALE']);
    expect(intent({ epoch: 2 })).toEqual(['EPOCH_FUTURE']);
    expect(intent({ capability: { id: 't', caps: ['*'], expires: 999_999 } })).toEqual(['CAP_EXPIRED']);
    expect(intent({ capability: { id: 't', caps: ['call:read'], expires: 2_000_000 } })).toEqual([
      'CAP_MISS',
    ]);
    expect(intent({ capability: { id: 't', caps: ['call:look'], expires: 2_000_000 } })).toEqual([]);
  });

  it('refuses everything once the bundle has expired, in every mode', () => {
    const expired = bundle({ expires: 999_999 });
    for (const enforcement_mode of ['enforce', 'shadow', 'disabled'] as const) {
      const decision = new TestSession(expired, { ...ENFORCE, enforcement_mode }).ask('look');
      expect(decision).toMatchObject({ effect: 'block', verdict: 'reject' });
      expect(codes(decision)).toEqual(['BUNDLE_EXPIRED']);
    }
  });

  it('takes nothing before the session is open, and no second opening', () => {
    const session = new TestSession(desk);
    const again = {
      kind: 'open',
      at: 0,
      tenant: 'globex',
      session: 's',
      principal: 'x',
      environment: ENFORCE,
      epoch: 9,
    } as const;
    expect(session.feed(again)).toMatchObject({ kind: 'refused' });
    session.state = initialState(desk);
    expect(session.feed({ kind: 'tick', at: 0 })).toMatchObject({ kind: 'refused' });
  });
});

describe('permission', () => {
  it('denies by default, also a tool that the bundle does not name although a policy permits everything', () => {
    expect(codes(new TestSession(desk).ask('unheard_of'))).toContain('NOT_PERMITTED');
    expect(codes(new TestSession(desk).ask('__proto__'))).toContain('NOT_PERMITTED');
    expect(codes(new TestSession(bundle({}, [])).ask('look'))).toEqual(['NOT_PERMITTED']);
  });

  it('rejects where an applicable forbid cannot be evaluated', () => {
    const left = { op: '.', left: { op: 'variable', name: 'context' }, attribute: 'args' } as const;
    const amount = { op: '.', left, attribute: 'amount' } as const;
    const body = { op: '>', left: amount, right: { op: 'long', value: '10' } } as const;
    const forbid = {
      ...PERMIT_ALL,
      id: 'too-much',
      effect: 'forbid',
      conditions: [{ kind: 'when', body }],
    } as const;
    const guarded = bundle({}, [PERMIT_ALL, forbid]);
    expect(new TestSession(guarded).ask('pay', { amount: 9 })).toMatchObject({ verdict: 'accept' });
    expect(codes(new TestSession(guarded).ask('pay', { amount: 11 }))).toEqual(['FORBIDDEN']);
    for (const args of [{}, { amount: '11' }, { amount: 10n ** 30n }, { amount: 0.123456 }]) {
      const decision = new TestSession(guarded).ask('pay', args);
      expect(decision).toMatchObject({ verdict: 'error', effect: 'block' });
      expect(decision.reasons[0]).toMatchObject({ code: 'EVAL_ERROR', clause: 'too-much' });
    }
  });

  it('lets a permit in shadow or past its expiry grant nothing, and an expired forbid keep forbidding', () => {
    const weak = clause({ id: 'allow-all', kind: 'permit', mode: 'monitor' });
    expect(codes(new TestSession(bundle({ clauses: [weak] })).ask('look'))).toEqual(['NOT_PERMITTED']);
    const old = clause({ id: 'allow-all', kind: 'permit', expires: 999_999 });
    const gone = new TestSession(bundle({ clauses: [old] })).ask('look');
    expect(codes(gone)).toEqual(['NOT_PERMITTED']);
    expect(gone.expired).toEqual(['allow-all']);
    const forbid = { ...PERMIT_ALL, id: 'never-ever', effect: 'forbid' } as const;
    const ended = clause({ id: 'never-ever', kind: 'permit', expires: 999_999 });
    expect(codes(new TestSession(bundle({ clauses: [ended] }, [PERMIT_ALL, forbid])).ask('look'))).toEqual([
      'FORBIDDEN',
    ]);
  });
});

describe('history', () => {
  it('refuses what must never happen, and what must not follow something', () => {
    const session = new TestSession(desk);
    expect(session.ask('drop').reasons[0]).toMatchObject({ code: 'TRACE_FORBIDDEN', clause: 'no-drop' });
    expect(session.call('write').effect).toBe('allow');
    session.prompt('mail to a@b.example');
    expect(session.call('send', { to: 'a@b.example' }).effect).toBe('allow');
    expect(session.ask('write').reasons[0]).toMatchObject({ clause: 'no-write-after-send' });
  });

  it('counts a prohibition’s trigger on the intent, even where the outcome is never known', () => {
    const session = new TestSession(desk);
    session.prompt('mail to a@b.example');
    const sent = session.ask('send', { to: 'a@b.example' });
    session.settle(sent.id, 'ambiguous');
    expect(session.ask('write').reasons[0]).toMatchObject({ clause: 'no-write-after-send' });
  });

  it('does not send a once tool again until the ambiguous sending is resolved, in no mode', () => {
    const session = new TestSession(desk, { ...ENFORCE, enforcement_mode: 'disabled' });
    session.prompt('mail to a@b.example');
    const sent = session.ask('send', { to: 'a@b.example' });
    session.settle(sent.id, 'ambiguous');
    const again = session.ask('send', { to: 'a@b.example' });
    expect(again).toMatchObject({ effect: 'block', mode: 'enforce' });
    expect(codes(again)).toContain('OUTCOME_AMBIGUOUS');
    expect(session.settle(sent.id, 'ambiguous')).toMatchObject({ kind: 'refused' });
    expect(session.settle(sent.id, 'failed')).toMatchObject({ kind: 'settled' });
    expect(session.ask('send', { to: 'a@b.example' }).effect).toBe('allow');
  });

  it('accepts an outcome only for an allowed action, and only once', () => {
    const session = new TestSession(desk);
    expect(session.settle(session.ask('drop').id, 'done')).toMatchObject({ kind: 'refused' });
    const { id } = session.ask('look');
    expect(session.settle(id, 'done')).toMatchObject({ kind: 'settled' });
    expect(session.settle(id, 'done')).toMatchObject({ kind: 'refused' });
  });
});

describe('information flow', () => {
  it('keeps what was read from leaving through a sink that may not hold it', () => {
    const session = new TestSession(desk);
    session.prompt('mail to a@b.example');
    expect(session.ask('send', { to: 'a@b.example' }).effect).toBe('allow');
    session.call('read');
    expect(session.ask('send', { to: 'a@b.example' }).reasons[0]).toMatchObject({
      code: 'LABEL_FLOW',
      clause: 'no-leak',
    });
    expect(session.ask('write').reasons.map(({ code }) => code)).not.toContain('LABEL_FLOW');
  });

  it('joins the label of a failed result too, since its error message was read', () => {
    const session = new TestSession(desk);
    session.settle(session.ask('read').id, 'failed', 'no such file, but here is its content');
    expect(session.state.flow.label).toEqual({
      level: 'secret',
      compartments: ['tenant:acme'],
      integrity: 'untrusted',
    });
  });

  it('taints everything by an undeclared tool that a weakened mode let through', () => {
    const session = new TestSession(desk, { ...ENFORCE, enforcement_mode: 'shadow' });
    expect(session.call('unheard_of')).toMatchObject({ effect: 'allow', verdict: 'reject', mode: 'shadow' });
    expect(session.state.flow.label).toMatchObject({ level: 'secret', integrity: 'untrusted' });
  });

  it('labels resources that are read, and denies those that no document rule covers', () => {
    const session = new TestSession(desk);
    const read = (target: string) => session.ask('', {}, { action: { kind: 'read', target, args: {} } });
    expect(read('doc://one').effect).toBe('allow');
    expect(codes(read('file:///etc/passwd'))).toContain('NOT_PERMITTED');
  });

  it('lets no URI tell whoever serves it more than its document is cleared for', () => {
    const session = new TestSession(desk);
    const read = (target: string) => session.ask('', {}, { action: { kind: 'read', target, args: {} } });
    expect(read('web://weather').effect).toBe('allow');
    session.call('read', {}, 'the launch code is 0000');
    expect(codes(read('web://weather?the-launch-code-is-0000'))).toEqual(['LABEL_FLOW']);
    expect(read('doc://one').effect).toBe('allow');
  });

  it.each([
    ['../../etc/passwd', 'NOT_PERMITTED'],
    ['/etc/passwd', 'NOT_PERMITTED'],
    ['~/x', 'NOT_PERMITTED'],
    ['C:/x', 'NOT_PERMITTED'],
    ['tenants\\acme\\x', 'NOT_PERMITTED'],
    ['tenants/acme/../globex/x', 'NOT_PERMITTED'],
    ['tenants/globex/x', 'CROSS_TENANT'],
    ['tenants//globex/./x', 'CROSS_TENANT'],
    ['tenants/acme\u0000/x', 'NOT_PERMITTED'],
    ['kb/deep/x.md', 'NOT_PERMITTED'],
    ['tenants', 'NOT_PERMITTED'],
  ])('holds the path %j against the stores: %s', (path, code) => {
    expect(codes(new TestSession(desk).ask('open', { path }))).toEqual([code]);
  });

  it.each(['tenants/acme', 'tenants/acme/a/b', './tenants/acme/', 'kb/x.md'])(
    'lets the path %j through',
    (path) => {
      expect(codes(new TestSession(desk).ask('open', { path }))).toEqual([]);
    },
  );

  it('refuses a path that is absent or no text', () => {
    for (const args of [{}, { path: 7 }, { path: null }, { path: ['tenants/acme/x', '/etc/passwd'] }, []]) {
      expect(codes(new TestSession(desk).ask('open', args))).toContain('NOT_PERMITTED');
    }
  });
});

describe('provenance', () => {
  const to = (session: TestSession, value: string | number) => codes(session.ask('send', { to: value }));

  it('wants the whole value from the prompt, not a part of a longer one', () => {
    const session = new TestSession(desk);
    session.prompt('Write to anna@acme.example. Not to eve@evil.example.net!');
    expect(to(session, 'anna@acme.example')).toEqual([]);
    expect(to(session, 'eve@evil.example')).toEqual(['UNTRUSTED_ARGUMENT']);
    expect(to(session, 'nna@acme.example')).toEqual(['UNTRUSTED_ARGUMENT']);
    expect(to(session, 'acme.example')).toEqual(['UNTRUSTED_ARGUMENT']);
    expect(to(session, '')).toEqual(['UNTRUSTED_ARGUMENT']);
  });

  it('takes the bundle’s constants by value and type', () => {
    const session = new TestSession(desk);
    expect(to(session, 'desk@acme.example')).toEqual([]);
    expect(to(session, 7)).toEqual([]);
    expect(to(session, '7')).toEqual(['UNTRUSTED_ARGUMENT']);
  });

  it('takes a whole value of a result that the parameter names, also out of JSON in a text', () => {
    const session = new TestSession(desk);
    session.call(
      'look',
      {},
      { content: [{ type: 'text', text: '{"contacts":["bo@x.example"],"note":"or cy@x.example"}' }] },
    );
    expect(to(session, 'bo@x.example')).toEqual([]);
    expect(to(session, 'cy@x.example')).toEqual(['UNTRUSTED_ARGUMENT']);
  });

  it('takes the worst of several sources, unless one that suffices is endorsed', () => {
    const parameters = { '/to': parameter({ from: [{ kind: 'prompt' }] }) };
    const tools = {
      spy: tool({ returns: { level: 'public', compartments: [], integrity: 'untrusted' } }),
      send: tool({ parameters }),
    };
    const clauses = [clause({ id: 'vouched', kind: 'flow', rule: 'parameters', on: ANY })];
    const session = new TestSession(bundle({ tools, clauses }));
    session.prompt('write to bo@x.example');
    session.call('spy', {}, 'please write to <bo@x.example>, not to ann');
    expect(to(session, 'bo@x.example')).toEqual(['UNTRUSTED_ARGUMENT']);
    const endorsing = {
      send: tool({ parameters: { '/to': { ...parameters['/to'], endorse: [{ kind: 'prompt' }] } } }),
    };
    const lenient = new TestSession(bundle({ tools: { ...tools, ...endorsing }, clauses }));
    lenient.prompt('write to bo@x.example');
    lenient.call('spy', {}, 'please write to <bo@x.example>');
    expect(to(lenient, 'bo@x.example')).toEqual([]);
  });
});

describe('limits', () => {
  it('counts within an inclusive window that the tolerance widens, and never by a clock that went back', () => {
    const session = new TestSession(desk);
    const look = (at: number) => session.at(at).call('look').effect;
    expect([look(10_000_000), look(10_000_500), look(10_000_600)]).toEqual(['allow', 'allow', 'block']);
    expect(look(10_001_100)).toBe('block');
    expect(look(10_001_101)).toBe('allow');
    expect(look(1)).toBe('block');
    expect(session.state.time).toBe(10_001_101);
  });
});

describe('modes', () => {
  it('weakens restrictions to the weaker of clause and environment, and says so', () => {
    for (const enforcement_mode of ['shadow', 'monitor'] as const) {
      const session = new TestSession(desk, { ...ENFORCE, enforcement_mode });
      expect(session.ask('drop')).toMatchObject({
        effect: 'allow',
        verdict: 'reject',
        mode: enforcement_mode,
      });
    }
    const disabled = new TestSession(desk, { ...ENFORCE, enforcement_mode: 'disabled' });
    expect(disabled.ask('look')).toMatchObject({ effect: 'allow', verdict: 'accept', mode: 'disabled' });
  });

  it.each([
    ['enforce', null, 'enforce', 'enforce', 'block'],
    ['enforce', 'shadow', 'enforce', 'shadow', 'allow'],
    ['monitor', null, 'enforce', 'monitor', 'allow'],
    ['monitor', 'enforce', 'enforce', 'monitor', 'allow'],
    ['monitor', 'shadow', 'enforce', 'shadow', 'allow'],
    ['enforce', null, 'monitor', 'monitor', 'allow'],
  ] as const)(
    'takes default deny in the weakest of the bundle’s default_mode %s, the environment’s %s and its %s',
    (own, environments, enforcement_mode, mode, effect) => {
      const environment = { enforcement_mode, default_mode: environments, overlay: null };
      const decision = new TestSession(bundle({ default_mode: own }, []), environment).ask('look');
      expect(decision).toMatchObject({ verdict: 'reject', effect, mode });
      expect(decision.reasons).toMatchObject([{ code: 'NOT_PERMITTED', clause: null, mode }]);
    },
  );

  it('lets default_mode weaken nothing but default deny', () => {
    const environment = { ...ENFORCE, default_mode: 'shadow' } as const;
    expect(new TestSession(desk, environment).ask('drop').effect).toBe('block');
    const forbid = { ...PERMIT_ALL, id: 'never-ever', effect: 'forbid' } as const;
    const forbidding = bundle({ default_mode: 'shadow' }, [PERMIT_ALL, forbid]);
    expect(new TestSession(forbidding, environment).ask('look').effect).toBe('block');
  });

  it('lets nothing weaken a bundle of high assurance', () => {
    const high = bundle({ assurance: 'high', tools: { look: tool() } });
    for (const enforcement_mode of ['shadow', 'disabled'] as const) {
      const session = new TestSession(high, { enforcement_mode, default_mode: 'shadow', overlay: null });
      expect(session.ask('unheard_of')).toMatchObject({ effect: 'block' });
    }
  });

  it('keeps a violated clause where it was while the others move, so that enforcing later kills no session', () => {
    const session = new TestSession(desk, { ...ENFORCE, enforcement_mode: 'shadow' });
    for (let n = 0; n < 5; n += 1) session.call('look');
    expect(session.state.limits[0]?.times.length).toBe(2);
    session.feed({ kind: 'mode', at: 0, environment: ENFORCE });
    expect(session.at(2_000_000).ask('look').effect).toBe('allow');
  });
});

describe('laws', () => {
  const action = fc.record({
    target: fc.constantFrom('read', 'look', 'write', 'send', 'open', 'drop', 'unheard_of'),
    to: fc.constantFrom('a@b.example', 'desk@acme.example', 'evil@x.example'),
    path: fc.constantFrom('tenants/acme/x', 'tenants/globex/x', '../x'),
    at: fc.integer({ min: 0, max: 3_000_000 }),
    outcome: fc.constantFrom('done', 'failed', 'ambiguous', 'none'),
  });
  const mode = fc.constantFrom('enforce', 'monitor', 'shadow', 'disabled');

  it('a blocked event moves nothing, the same inputs lead to the same digests, and refolding agrees with stepping', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), mode, (actions, enforcement_mode) => {
        const run = () => {
          const environment = { ...ENFORCE, enforcement_mode };
          const session = new TestSession(desk, environment);
          const history: RecordedInput[] = [
            {
              input: {
                kind: 'open',
                at: 1_000_000,
                tenant: 'acme',
                session: 's',
                principal: AGENT.id,
                environment,
                epoch: 1,
              },
            },
          ];
          const digests: string[] = [];
          for (const [index, { target, to, path, at, outcome }] of actions.entries()) {
            const before = session.digest;
            const args = { to, path };
            const { effect } = session.at(at).ask(target, args);
            if (effect !== 'allow') expect(session.digest).toBe(before);
            const intent = {
              kind: 'intent',
              at,
              certificate_id: `c${index}`,
              principal: AGENT,
              capability: null,
              action: { kind: 'call', target, args },
              epoch: 1,
              attributes: {},
            } as const;
            history.push({ input: intent, effect });
            if (effect === 'allow' && outcome !== 'none') {
              session.settle(`c${index}`, outcome, [to]);
              history.push({
                input: { kind: 'outcome', at, certificate_id: `c${index}`, outcome, result: [to] },
              });
            }
            digests.push(session.digest);
          }
          expect(stateDigest(desk, refold(desk, history))).toBe(session.digest);
          return digests;
        };
        expect(run()).toEqual(run());
      }),
      { numRuns: 200 },
    );
  });

  it('never lets an enforced run allow what the same run refuses for want of a permission, whatever is asked', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 20 }), (actions) => {
        const session = new TestSession(desk);
        for (const { target, to, path, at } of actions) {
          const decision = session.at(at).ask(target, { to, path });
          expect(decision.effect === 'allow').toBe(decision.reasons.length === 0);
          expect(decision.verdict === 'accept').toBe(decision.reasons.length === 0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('answers with an error where a check breaks, and that error denies in every mode', () => {
    const broken = {
      ...desk,
      cedar: {
        ...loadCedar(desk.ir.cedar),
        evaluate: () => {
          throw new Error('boom');
        },
      },
    };
    for (const enforcement_mode of ['enforce', 'shadow', 'disabled'] as const) {
      const decision = new TestSession(broken, { ...ENFORCE, enforcement_mode }).ask('look');
      expect(decision).toMatchObject({ verdict: 'error', effect: 'block' });
      expect(decision.reasons[0]).toMatchObject({ code: 'EVAL_ERROR', clause: null });
    }
  });
});
