import type { JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCompiledBundle } from '../../parse-bundle.ts';
import { parseInput } from '../../parse-input.ts';
import { AGENT, bundle, clause, codes, on, parameter, TestSession, tool } from '../../session.fixture.ts';
import { WITHHELD_SECRET, withheldSecret } from './exposed.ts';
import { isWholeReference, partsOf } from './reference.ts';
import type { SecretRule } from './rules.ts';
import { secretUses } from './step.ts';
import { withTexts } from './uses.ts';

const rule = (part: Partial<SecretRule> = {}): SecretRule => ({
  name: 'api/token',
  tools: ['http_get'],
  parameters: ['/token'],
  principals: null,
  roles: null,
  embedded: false,
  ...part,
});
const httpGet = tool({
  effect: 'egress',
  parameters: {
    '/token': parameter({ trusted: true, optional: true }),
    '/headers/*': parameter({ optional: true }),
  },
});
const fabric = (...rules: SecretRule[]) =>
  bundle({
    tools: { '*': tool(), http_get: httpGet },
    clauses: [clause({ id: 'sources', kind: 'flow', rule: 'parameters', on: on({}) })],
    ...(rules.length > 0 && { secrets: rules }),
  });
const session = (...rules: SecretRule[]) => new TestSession(fabric(...rules));

describe('a reference that no rule permits is refused', () => {
  const refused: readonly (readonly [about: string, target: string, args: JsonValue])[] = [
    ['in a tool that is not listed', 'other', { token: 'secret://api/token' }],
    ['in another parameter', 'http_get', { url: 'secret://api/token' }],
    ['below the parameter', 'http_get', { token: ['secret://api/token'] }],
    ['of another secret', 'http_get', { token: 'secret://api/token2' }],
    ['in the name of a member', 'http_get', { 'secret://api/token': 1 }],
    ['within a longer text', 'http_get', { token: 'Bearer secret://api/token' }],
    ['in capitals', 'http_get', { token: 'SECRET://api/token' }],
    ['in mixed case', 'http_get', { token: 'sEcret://api/token' }],
    ['with a path that climbs', 'http_get', { token: 'secret://api/../token' }],
    ['with a query', 'http_get', { token: 'secret://api/token?version=1' }],
    ['inside a reference', 'http_get', { token: 'secret://secret://api/token' }],
    ['without a name', 'http_get', { token: 'secret://' }],
    ['with two fields', 'http_get', { token: 'secret://api/token#a#b' }],
    ['with more behind it', 'http_get', { token: 'secret://api/token/' }],
    ['in what a client answers a server', 'elicitation/create', { response: 'secret://api/token' }],
  ];
  for (const [about, target, args] of refused) {
    test(about, () => {
      const decision = session(rule()).ask(target, args);
      expect(codes(decision)).toContain('SECRET_NOT_PERMITTED');
      expect(decision).toMatchObject({ effect: 'block', verdict: 'reject' });
      expect(decision).not.toHaveProperty('secrets_used');
    });
  }

  test('in a question for a document', () => {
    const action = { kind: 'read', target: 'mcp-prompt:p', args: { token: 'secret://api/token' } } as const;
    expect(codes(session(rule()).ask('x', {}, { action }))).toContain('SECRET_NOT_PERMITTED');
  });

  test('by somebody else than the rule names', () => {
    const args = { token: 'secret://api/token' };
    expect(session(rule({ roles: ['deployer'] })).ask('http_get', args).effect).toBe('block');
    expect(session(rule({ principals: ['agent-2'] })).ask('http_get', args).effect).toBe('block');
    expect(session(rule({ roles: ['support'] })).ask('http_get', args).effect).toBe('allow');
    expect(session(rule({ principals: [AGENT.id], roles: ['x'] })).ask('http_get', args).effect).toBe(
      'allow',
    );
  });

  test('as the 17th of one action, with a bounded number of reasons', () => {
    const many = session(rule({ parameters: ['/headers/*'] }));
    const headers = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`h${index}`, 'secret://api/token']));
    expect(many.ask('http_get', { headers: headers(16) }).effect).toBe('allow');
    const decision = many.ask('http_get', { headers: headers(500) });
    expect(decision.effect).toBe('block');
    expect(decision.reasons.length).toBeLessThanOrEqual(16);
  });

  test('in every mode', () => {
    const disabled = { enforcement_mode: 'disabled', default_mode: null, overlay: null } as const;
    const weak = new TestSession(fabric(rule()), disabled);
    expect(weak.ask('other', { a: 'secret://api/token' }).effect).toBe('block');
  });
});

test('what only looks like one to a person is text: it is sent on as it is and stands for nothing', () => {
  const lookAlike = 'ѕecret://api/token';
  const open = fabric(rule({ parameters: ['/headers/*'] }));
  const decision = new TestSession(open).ask('http_get', { headers: { a: lookAlike } });
  expect(decision.effect).toBe('allow');
  expect(decision).not.toHaveProperty('secrets_used');
});

describe('a reference that a rule permits', () => {
  test('goes ahead, and the certificate names the secret', () => {
    const decision = session(rule()).ask('http_get', { token: 'secret://api/token#key' });
    expect(decision).toMatchObject({ effect: 'allow', secrets_used: ['api/token'] });
    expect(decision).not.toHaveProperty('forwarded_digest');
    expect(decision.checks).toContainEqual({ check: 'secrets', verdict: 'accept' });
  });

  test('counts as trusted after a stranger was read, alone and not within a text', () => {
    const rules = fabric(rule({ embedded: true }));
    const untrusted = { level: 'public', compartments: [], integrity: 'untrusted' } as const;
    const tools = { ...rules.ir.tools, read_mail: tool({ returns: untrusted }) };
    const reading = () => {
      const begun = new TestSession(bundle({ ...rules.ir, tools }));
      begun.call('read_mail', {}, 'use secret://api/token');
      return begun;
    };
    expect(reading().ask('http_get', { token: 'secret://api/token' }).effect).toBe('allow');
    const within = reading().ask('http_get', { token: 'Bearer secret://api/token' });
    expect(codes(within)).toEqual(['UNTRUSTED_ARGUMENT']);
  });

  test('by prefix, below it alone', () => {
    const prefix = rule({ name: 'api/*' });
    expect(session(prefix).ask('http_get', { token: 'secret://api/any/depth' }).effect).toBe('allow');
    expect(session(prefix).ask('http_get', { token: 'secret://api' }).effect).toBe('block');
    expect(session(prefix).ask('http_get', { token: 'secret://apis/x' }).effect).toBe('block');
  });

  test('within a text gives the text around it', () => {
    const embedded = fabric(rule({ embedded: true }));
    const action = {
      kind: 'call',
      target: 'http_get',
      args: { token: 'Bearer secret://api/token', n: 1 },
    } as const;
    const [use, ...more] = secretUses(embedded, { action, principal: AGENT }) ?? [];
    expect(more).toEqual([]);
    expect(use).toEqual({ path: ['token'], parts: ['Bearer ', { name: 'api/token', field: null }] });
    const sent = withTexts(action.args, [{ path: ['token'], text: 'Bearer "\\secret://x' }]);
    expect(sent).toEqual({ token: 'Bearer "\\secret://x', n: 1 });
  });
});

test('a bundle without rules decides and digests as before there were any', () => {
  const plain = session();
  const decision = plain.ask('other', { a: 'secret://api/token' });
  expect(decision.effect).toBe('allow');
  expect(decision.checks.map(({ check }) => check)).not.toContain('secrets');
  expect(
    secretUses(plain.bundle, { action: { kind: 'call', target: 'x', args: {} }, principal: AGENT }),
  ).toBe(undefined);
});

describe('what fingerprints found', () => {
  const exposed = [{ where: 'arguments', name: 'db/password' }] as const;

  test('refuses an intent under every bundle, in every mode', () => {
    const disabled = { enforcement_mode: 'disabled', default_mode: null, overlay: null } as const;
    for (const rules of [fabric(), fabric(rule())]) {
      const decision = new TestSession(rules, disabled).ask('other', WITHHELD_SECRET, { exposed });
      expect(decision).toMatchObject({ effect: 'block', verdict: 'reject' });
      expect(decision.reasons[0]).toMatchObject({ code: 'SECRET_EXPOSED', check: 'secrets', clause: null });
      expect(decision.checks.at(-1)).toEqual({ check: 'secrets', verdict: 'reject' });
    }
  });

  test('leaves nothing of a result, and the certificate says whose value it was', () => {
    const plain = session();
    const at = 2_000_000;
    const { id } = plain.ask('other');
    const outcome = { kind: 'outcome', at, certificate_id: id, outcome: 'done' } as const;
    const found = [{ where: 'result', name: 'db/password' }] as const;
    const kept = plain.feed({ ...outcome, result: 'the value', exposed: found });
    expect(kept.kind).toBe('refused');
    const settled = plain.feed({ ...outcome, result: WITHHELD_SECRET, exposed: found });
    expect(settled).toMatchObject({ kind: 'settled', exposed: ['db/password'] });
  });

  test('withholds results of MCP in their form, as an error', () => {
    const result = { content: [{ type: 'text', text: 'value' }], structuredContent: { a: 'value' } };
    expect(JSON.stringify(withheldSecret(result))).not.toContain('"value"');
    expect(withheldSecret(result)).toMatchObject({ isError: true });
    expect(withheldSecret('value')).toBe(WITHHELD_SECRET);
  });

  test('is read back strictly', () => {
    const outcome = { kind: 'outcome', at: 1, certificate_id: 'c', outcome: 'done', result: null };
    expect(parseInput({ ...outcome, exposed: [{ where: 'result', name: 'a' }] })).toHaveProperty('exposed');
    expect(parseInput(outcome)).not.toHaveProperty('exposed');
    for (const wrong of [[], 7, [{ where: '/a', name: 'a' }], [{ where: 'result' }]])
      expect(() => parseInput({ ...outcome, exposed: wrong as JsonValue })).toThrow('expected');
  });
});

describe('a compiled bundle', () => {
  const read = (...rules: SecretRule[]) =>
    parseCompiledBundle(JSON.parse(JSON.stringify(fabric(...rules).ir)) as JsonValue);

  test('is read back with its rules', () => {
    expect(read(rule()).secrets).toEqual([rule()]);
    expect(read()).not.toHaveProperty('secrets');
  });

  test('with a rule that names nothing is refused', () => {
    for (const wrong of [
      rule({ name: '../x' }),
      rule({ name: '*' }),
      rule({ name: 'a*b' }),
      rule({ tools: [] }),
      rule({ tools: ['elicitation/create'] }),
      rule({ parameters: ['/other'] }),
      rule({ roles: [] }),
    ])
      expect(() => read(wrong)).toThrow('expected');
  });
});

test('taken apart and put together again, a text is the same', () => {
  const pieces = fc.array(fc.constantFrom('secret://', 'a/b', '#f', ' ', 'Secret://', '/', '"', 'é'));
  fc.assert(
    fc.property(pieces, (list) => {
      const text = list.join('');
      const parts = partsOf(text);
      if (parts === undefined) return !isWholeReference(text);
      const again = parts.map((part) =>
        typeof part === 'string'
          ? part
          : `secret://${part.name}${part.field === null ? '' : `#${part.field}`}`,
      );
      return again.join('') === text;
    }),
    { numRuns: 200, seed: 1 },
  );
});
