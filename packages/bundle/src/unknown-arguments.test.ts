import { describe, expect, it } from 'vitest';
import { compileBundle } from './compile.ts';
import { costing } from './limit-cases.fixture.ts';
import { crypto, findingsOf, PARTS, type Parts, sourcesWith, unmarked } from './sources.fixture.ts';

const described = (args: string, type = '') => ({
  schema: `${type}${PARTS.schema.replace(/args: \{\n[^}]*\}/, `args: ${args}`)}`,
});
const releasing = (parameter: string): Parts => ({
  clauses:
    `${PARTS.clauses}  - { id: x, kind: flow, rule: declassify, on: { tools: [send_mail] }, parameter: ${parameter}, ` +
    'from: { level: confidential, integrity: untrusted }, to: { level: internal, integrity: untrusted } }\n',
});

async function findings(parts: Parts) {
  const { sources, place } = unmarked(sourcesWith(parts));
  return { found: await findingsOf(sources), place };
}

describe('an argument that a tool is nowhere said to have', () => {
  it.each([
    ['a cost', { ...costing('{ argument: ‸amout }'), ...described('{ amount?: Long }') }],
    ['a cost in a list', costing('{ argument: ‸/prices/0 }')],
    ['an epsilon', { tools: `${PARTS.tools}    epsilon: { argument: ‸amout }\n` }],
    ['a release', releasing('‸boddy')],
  ] as const)('is warned of in %s', async (_, parts) => {
    const { found, place } = await findings(parts);
    expect(found).toEqual([`ARGUMENT_UNKNOWN at ${place}`]);
  });

  it('is told with the nearest that it has', async () => {
    const parts = { ...costing('{ argument: amout }'), ...described('{ amount?: Long }') };
    const result = await compileBundle(sourcesWith(parts), crypto);
    expect(result.warnings).toMatchObject([
      {
        message:
          'expected an argument of `send_mail` that its `parameters` or `args` in schema.cedarschema name, came `amout`',
        mend: expect.stringContaining('did you mean `amount`?'),
      },
    ]);
  });
});

describe('nothing is said of an argument', () => {
  it.each<[string, Parts]>([
    ['that the schema names', { ...costing('{ argument: amount }'), ...described('{ amount?: Long }') }],
    [
      'that a type of the schema names',
      { ...costing('{ argument: /amount }'), ...described('Args', 'type Args = { amount?: Long };\n') },
    ],
    ['that the tool has a rule for', { ...costing('{ argument: to }'), ...described('{}') }],
    ['of a release that the tool has a rule for', releasing('/to/*')],
  ])('%s', async (_, parts) => {
    expect((await findings(parts)).found).toEqual([]);
  });

  it('without a schema', async () => {
    const { found } = await findings({ ...costing('{ argument: amout }'), schema: '' });
    expect(found).toEqual(['SCHEMA_MISSING at schema.cedarschema:1:1']);
  });
});
