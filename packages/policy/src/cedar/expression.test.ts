import { describe, expect, it } from 'vitest';
import { cedarValueFromArguments } from './arguments.ts';
import { entityStore } from './entity-store.ts';
import { loadCedar } from './evaluator.ts';
import { CEDAR_IR_FORMAT, type CedarBinary, type CedarExpression } from './ir.ts';
import { CedarRecord, type CedarValue, cedarRecord, entityUid, unrepresentable } from './values.ts';

const MIN = '-9223372036854775808';
const MAX = '9223372036854775807';

const long = (value: string): CedarExpression => ({ op: 'long', value });
const text = (value: string): CedarExpression => ({ op: 'string', value });
const bool = (value: boolean): CedarExpression => ({ op: 'boolean', value });
const binary = (op: CedarBinary, left: CedarExpression, right: CedarExpression): CedarExpression => ({
  op,
  left,
  right,
});
const neg = (argument: CedarExpression): CedarExpression => ({ op: 'neg', argument });
const set = (...items: CedarExpression[]): CedarExpression => ({ op: 'set', items });
const context: CedarExpression = { op: 'variable', name: 'context' };
const get = (attribute: string, left: CedarExpression = context): CedarExpression => ({
  op: '.',
  left,
  attribute,
});
const has = (...path: string[]): CedarExpression => ({ op: 'has', left: context, path });
const all = (...operands: CedarExpression[]): CedarExpression => ({ op: '&&', arguments: operands });
const any = (...operands: CedarExpression[]): CedarExpression => ({ op: '||', arguments: operands });
const same = (left: CedarExpression, right: CedarExpression): CedarExpression => binary('==', left, right);

/**
 * What `permit(principal, action, resource) when { body }` comes to: true, false, or the message of its
 * error.
 */
function evaluate(
  body: CedarExpression,
  given: CedarRecord | Record<string, CedarValue> = {},
): boolean | string {
  const evaluator = loadCedar({
    format: CEDAR_IR_FORMAT,
    schema: null,
    policies: [
      {
        id: 'p',
        effect: 'permit',
        annotations: [],
        principal: { op: 'any' },
        action: { op: 'any' },
        resource: { op: 'any' },
        conditions: [{ kind: 'when', body }],
        line: 1,
        column: 1,
      },
    ],
  });
  const { decision, errors } = evaluator.evaluate({
    principal: entityUid('User', 'ann'),
    action: entityUid('Action', 'call'),
    resource: entityUid('Tool', 'mail'),
    context: given instanceof CedarRecord ? given : cedarRecord(given),
    entities: entityStore([
      {
        uid: entityUid('User', 'ann'),
        parents: [entityUid('Team', 't')],
        tags: cedarRecord({ a: 'tagged' }),
      },
    ]),
  });
  return errors[0]?.message ?? decision === 'allow';
}

describe('integers', () => {
  it('overflow at either end is an error, one short of it is not', () => {
    expect(evaluate(same(binary('+', long(MAX), long('1')), long(MIN)))).toMatch(/^overflow/);
    expect(evaluate(same(binary('-', long(MIN), long('1')), long(MAX)))).toMatch(/^overflow/);
    expect(evaluate(same(binary('*', long(MIN), long('-1')), long(MIN)))).toMatch(/^overflow/);
    expect(evaluate(same(neg(long(MIN)), long(MIN)))).toMatch(/^overflow/);
    expect(evaluate(same(neg(long(MAX)), binary('+', long(MIN), long('1'))))).toBe(true);
  });

  it('neighbours beyond 2^53 are told apart', () => {
    expect(evaluate(same(long('9007199254740993'), get('n')), { n: 9007199254740992n })).toBe(false);
    expect(evaluate(binary('<', get('n'), long('9007199254740993')), { n: 9007199254740992n })).toBe(true);
  });

  it('an IR with digits beyond 64 bits is refused', () => {
    expect(() => evaluate(long('9223372036854775808'))).toThrow(/64 bits/);
    expect(() => evaluate(long('1e3'))).toThrow(/64 bits/);
  });
});

describe('attributes with the names of object properties', () => {
  it('are absent unless sent', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(evaluate(has(name))).toBe(false);
      expect(evaluate(same(get(name), text('x')))).toMatch(/no attribute/);
    }
  });

  it('are ordinary when sent', () => {
    const sent = cedarValueFromArguments(JSON.parse('{"__proto__": {"constructor": "x"}}'));
    expect(evaluate(has('__proto__', 'constructor'), sent as CedarRecord)).toBe(true);
    expect(evaluate(same(get('constructor', get('__proto__')), text('x')), sent as CedarRecord)).toBe(true);
    expect(evaluate(has('toString'), sent as CedarRecord)).toBe(false);
  });
});

describe('a value that Cedar cannot represent', () => {
  const given = { x: unrepresentable('null'), inner: cedarRecord({ x: unrepresentable('null'), y: 1n }) };

  it('is there for `has`', () => {
    expect(evaluate(has('x'), given)).toBe(true);
    expect(evaluate(has('inner', 'x'), given)).toBe(true);
  });

  it('is an error in every other use, so that no rule about it silently fails to apply', () => {
    const uses = [
      get('x'),
      same(get('x'), text('')),
      same(text(''), get('x')),
      binary('!=', get('x'), get('x')),
      binary('<', get('x'), long('1')),
      binary('+', get('x'), long('1')),
      binary('in', get('x'), get('x')),
      binary('contains', set(), get('x')),
      binary('contains', get('x'), text('')),
      binary('containsAny', set(), get('x')),
      all(bool(true), get('x')),
      any(bool(false), get('x')),
      has('x', 'y'),
      same(set(get('x')), set()),
      same({ op: 'record', fields: [{ name: 'a', value: get('x') }] }, context),
      { op: 'like', left: get('x'), pattern: ['', ''] } as const,
      { op: '!', argument: get('x') } as const,
      { op: 'isEmpty', argument: get('x') } as const,
      { op: 'call', function: 'ip', arguments: [get('x')] } as const,
    ];
    for (const use of uses) expect(evaluate(use, given), JSON.stringify(use)).toMatch(/cannot represent/);
  });

  it('spoils comparisons of the record around it, but not its other fields', () => {
    expect(evaluate(same(get('inner'), get('inner')), given)).toMatch(/cannot represent/);
    expect(evaluate(same(get('inner'), text('')), given)).toMatch(/cannot represent/);
    expect(evaluate(same(get('y', get('inner')), long('1')), given)).toBe(true);
  });
});

describe('logic', () => {
  const error = same(get('absent'), long('1'));

  it('ends at the first operand that decides, and at the first error before it', () => {
    expect(evaluate(all(bool(false), error))).toBe(false);
    expect(evaluate(any(bool(true), error))).toBe(true);
    expect(evaluate(all(bool(true), bool(false), error))).toBe(false);
    expect(evaluate(all(error, bool(false)))).toMatch(/no attribute/);
    expect(evaluate(any(bool(false), bool(false), error))).toMatch(/no attribute/);
  });

  it('takes only booleans, also as the last operand', () => {
    expect(evaluate(all(bool(true), long('1')))).toMatch(/expected `bool`, got `long`/);
    expect(evaluate(any(bool(false), text('true')))).toMatch(/expected `bool`, got `string`/);
    expect(evaluate(long('1'))).toMatch(/expected `bool`/);
  });

  it('evaluates only the branch that is chosen', () => {
    const choose = (test: CedarExpression): CedarExpression => ({
      op: 'if',
      test,
      whenTrue: bool(true),
      whenFalse: error,
    });
    expect(evaluate(choose(bool(true)))).toBe(true);
    expect(evaluate(choose(bool(false)))).toMatch(/no attribute/);
    expect(evaluate(choose(text('true')))).toMatch(/expected `bool`/);
  });
});

describe('sets', () => {
  it('do not count order and repetition', () => {
    expect(evaluate(same(set(long('1'), long('2'), long('1')), set(long('2'), long('1'))))).toBe(true);
    expect(evaluate(same(set(set(), set()), set(set())))).toBe(true);
    expect(evaluate(same(set(long('1')), set(text('1'))))).toBe(false);
  });

  it('of thirty thousand items are compared in linear time', () => {
    const items = Array.from({ length: 30_000 }, (_, n) => ({ n }));
    const given = cedarValueFromArguments({ a: items, b: [...items].reverse() }) as CedarRecord;
    const start = performance.now();
    expect(evaluate(binary('containsAll', get('a'), get('b')), given)).toBe(true);
    expect(evaluate(same(get('a'), get('b')), given)).toBe(true);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('after `in` hold entities only, even where an earlier one already matches', () => {
    const principal: CedarExpression = { op: 'variable', name: 'principal' };
    const team: CedarExpression = { op: 'entity', entity: { type: 'Team', id: 't' } };
    expect(evaluate(binary('in', principal, set(team)))).toBe(true);
    expect(evaluate(binary('in', principal, set(team, text('x'))))).toMatch(/expected `entity`/);
  });
});

describe('entities', () => {
  const nobody: CedarExpression = { op: 'entity', entity: { type: 'User', id: 'nobody' } };
  const ann: CedarExpression = { op: 'variable', name: 'principal' };

  it('that do not exist have nothing, and reading from them is an error', () => {
    expect(evaluate({ op: 'has', left: nobody, path: ['name'] })).toBe(false);
    expect(evaluate(binary('hasTag', nobody, text('a')))).toBe(false);
    expect(evaluate(same(get('name', nobody), text('x')))).toMatch(/does not exist/);
    expect(evaluate(same(binary('getTag', nobody, text('a')), text('x')))).toMatch(/does not exist/);
    expect(evaluate(binary('in', nobody, nobody))).toBe(true);
  });

  it('have tags apart from attributes', () => {
    expect(evaluate(same(binary('getTag', ann, text('a')), text('tagged')))).toBe(true);
    expect(evaluate({ op: 'has', left: ann, path: ['a'] })).toBe(false);
  });

  it('do not show their id in error messages', () => {
    expect(evaluate(same(get('x', nobody), text('')))).not.toContain('nobody');
  });
});

it('an unknown operator, function or variable in the IR is refused when it is loaded', () => {
  for (const expression of [
    { op: 'toString', left: context, right: context },
    { op: 'call', function: 'constructor', arguments: [context] },
    { op: 'variable', name: 'env' },
  ]) {
    expect(() => evaluate(expression as unknown as CedarExpression)).toThrow(/expected a/);
  }
});
