import { canonicalJson, type JsonValue, parseJson } from '@provability-fabric/kernel';
import {
  type CedarIr,
  cedarRecord,
  entityStore,
  entityUid,
  loadCedar,
} from '@provability-fabric/policy/cedar';
import { describe, expect, it } from 'vitest';
import { type CompiledCedar, compileCedar } from './compile-cedar.ts';
import type { CedarProblem } from './problem.ts';

const SCHEMA = `
entity User in [Team];
entity Team;
entity Tool;
action any;
action reading in [any];
action "read file" in [reading] appliesTo { principal: User, resource: Tool, context: { n: Long, path?: String } };
`;

const compile = (text: string, schema?: string, requireIds = false): Promise<CompiledCedar> =>
  compileCedar({
    policies: { path: 'policy.cedar', text },
    ...(schema === undefined ? {} : { schema: { path: 'schema.cedarschema', text: schema } }),
    requireIds,
  });

async function irOf(text: string, schema?: string): Promise<CedarIr> {
  const compiled = await compile(text, schema);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  return compiled.ir;
}

async function problems(
  text: string,
  schema?: string,
  requireIds?: boolean,
): Promise<readonly CedarProblem[]> {
  const compiled = await compile(text, schema, requireIds);
  return compiled.ok ? [] : compiled.errors;
}

function typesOfTypes(levels: number): string {
  const types = Array.from({ length: levels }, (_, n) => `type T${n + 1} = { a: T${n}, b: T${n} };`);
  return `type T0 = Long; ${types.join('')} entity User { t: T${levels} };`;
}

describe('a source that is refused', () => {
  it('is told by file, line and column, counted in characters', async () => {
    const text = '// ä€😀\npermit(principal, action, resource) when { "😀" == };';
    expect(await problems(text)).toMatchObject([
      { file: 'policy.cedar', line: 2, column: 52, clause: 'policy0', message: 'unexpected token `}`' },
    ]);
  });

  it('with a schema that cannot be read names the schema', async () => {
    const [problem] = await problems('permit(principal, action, resource);', 'entity User\nin [Nobody];');
    expect(problem).toMatchObject({ file: 'schema.cedarschema', line: 2 });
    expect(problem?.mend).not.toBe('');
    for (const schema of [
      'type A = B; type B = A;',
      'action a in [b]; action b in [a];',
      'entity A; entity A;',
    ]) {
      expect(await problems('', schema), schema).toMatchObject([{ file: 'schema.cedarschema' }]);
    }
  });

  it('because a policy does not fit the schema names the policy', async () => {
    const text = '@id("typo")\npermit(principal, action, resource)\nwhen { context.m == 1 };';
    expect(await problems(text, SCHEMA)).toMatchObject([
      { line: 3, column: 8, clause: 'typo', message: expect.stringContaining('`m`') },
    ]);
  });

  it('because it has a template names the slot', async () => {
    const text =
      'permit(principal, action, resource);\n@id("t") permit(principal == ?principal, action, resource);';
    expect(await problems(text)).toMatchObject([
      { line: 2, column: 30, clause: 't', message: expect.stringContaining('template') },
    ]);
  });

  it('because a policy is unnamed, badly named or named like another', async () => {
    const text = [
      'permit(principal, action, resource);',
      '@id("with space") permit(principal, action, resource);',
      '@id permit(principal, action, resource);',
      '@id("a") permit(principal, action, resource);',
      '@id("a") permit(principal, action, resource);',
    ].join('\n');
    const found = await problems(text, undefined, true);
    expect(found.map(({ line }) => line)).toEqual([1, 2, 3, 5]);
    expect(found[3]?.message).toContain('after line 4');
    expect(
      (
        await problems(
          '@id("policy1") permit(principal, action, resource); permit(principal, action, resource);',
        )
      ).length,
    ).toBe(1);
  });

  it('because it is meant for partial evaluation, or nested beyond reason', async () => {
    const unknown = 'permit(principal, action, resource) when { unknown("x") };';
    expect((await problems(unknown))[0]?.message).toContain('`unknown`');
    const chain = `permit(principal, action, resource) when { ${'context.n + '.repeat(101)} 1 == 1 };`;
    expect((await problems(chain))[0]?.message).toContain('deep');
  });

  it('because its types would keep the validator busy for years', async () => {
    expect((await problems('', typesOfTypes(40)))[0]?.message).toContain('`T14`');
  });

  it('because it would overflow the stack of cedar-wasm, which takes the next source as before', async () => {
    const brackets = `permit(principal, action, resource)\nwhen { ${'!('.repeat(5000)}true${')'.repeat(5000)} };`;
    expect(await problems(brackets)).toMatchObject([{ line: 2, message: expect.stringContaining('64') }]);
    const chain = `permit(principal, action, resource) when { ${'context.n && '.repeat(20_000)} true };`;
    expect(await problems(chain)).toMatchObject([{ message: expect.stringContaining('overflows') }]);
    expect(await problems('permit(principal, action, resource);')).toEqual([]);
  });
});

describe('the compiled form', () => {
  const ask = (n: bigint) => ({
    principal: entityUid('User', 'ann'),
    action: entityUid('Action', 'read file'),
    resource: entityUid('Tool', 'fs'),
    context: cedarRecord({ n }),
    entities: entityStore([]),
  });

  it('has every digit of integers that JavaScript would round', async () => {
    const text = `
      permit(principal, action, resource) when { context.n == 9007199254740993 };
      permit(principal, action, resource) when { context.n == -9223372036854775808 };
      permit(principal, action, resource) when { context.n == 9223372036854775807 && -(9223372036854775807) < 0 };`;
    const evaluator = loadCedar(await irOf(text));
    expect(evaluator.evaluate(ask(9007199254740993n)).determining).toEqual(['policy0']);
    expect(evaluator.evaluate(ask(9007199254740992n)).determining).toEqual([]);
    expect(evaluator.evaluate(ask(-(2n ** 63n))).determining).toEqual(['policy1']);
    expect(evaluator.evaluate(ask(2n ** 63n - 1n)).determining).toEqual(['policy2']);
  });

  it('knows the action groups of the schema', async () => {
    const ir = await irOf('permit(principal, action in Action::"any", resource);', SCHEMA);
    expect(loadCedar(ir).evaluate(ask(1n)).decision).toBe('allow');
  });

  it('is canonical JSON, and the same from the same sources', async () => {
    const text =
      '@id("a") @why("é") permit(principal, action, resource) when { context has path && context.n > 5 };';
    const [first, second] = [await irOf(text, SCHEMA), await irOf(text, SCHEMA)];
    const written = canonicalJson(first as unknown as JsonValue);
    expect(canonicalJson(second as unknown as JsonValue)).toBe(written);
    expect(parseJson(written)).toEqual(first);
    expect(first.policies[0]).toMatchObject({
      id: 'a',
      annotations: [{ name: 'id' }, { name: 'why', value: 'é' }],
    });
  });

  it('stays small where types are made of types', async () => {
    const ir = await irOf('', typesOfTypes(12));
    expect(canonicalJson(ir as unknown as JsonValue).length).toBeLessThan(5000);
  });

  it('takes hundreds of conditions in a row, however they are bracketed', async () => {
    const conditions = Array.from({ length: 300 }, (_, n) => `context.n != ${n + 10}`);
    const ir = await irOf(`permit(principal, action, resource) when { ${conditions.join(' && ')} };`);
    expect(ir.policies[0]?.conditions[0]?.body).toMatchObject({ op: '&&', arguments: { length: 300 } });
    expect(loadCedar(ir).evaluate(ask(1n)).decision).toBe('allow');
  });

  it('keeps keys of records that name object properties', async () => {
    const text =
      'permit(principal, action, resource) when { {__proto__: 1, constructor: 2}.constructor == 2 };';
    expect(loadCedar(await irOf(text)).evaluate(ask(1n)).decision).toBe('allow');
  });
});
