import { parseCompiledBundle } from '@provability-fabric/policy';
import { describe, expect, it } from 'vitest';
import type { COMPILE_ERROR_CODES } from './errors.ts';
import { compiled, findingsOf, PARTS, type Parts, sourcesWith, unmarked } from './sources.fixture.ts';

const TOOLS = `${PARTS.tools}  http_get:
    effect: egress
    returns: { level: public, integrity: untrusted }
    clearance: { level: internal, integrity: untrusted }
    parameters: { token: { trusted: true, optional: true }, /headers/*: { optional: true } }
`;
const secrets = (rules: string): Parts => ({
  tools: TOOLS,
  clauses: `${PARTS.clauses}secrets: [${rules}]\n`,
});
const rule = (members: string) => secrets(`{ ${members} }`);
const USE = 'tools: [http_get], parameters: [token]';

const CASES: readonly (readonly [(typeof COMPILE_ERROR_CODES)[number], string, Parts])[] = [
  ['WRONG_VALUE', 'no rule at all', { tools: TOOLS, clauses: `${PARTS.clauses}secrets: ‸[]\n` }],
  ['WRONG_VALUE', 'a name that climbs', rule(`name: ‸../token, ${USE}`)],
  ['WRONG_VALUE', 'a pattern in the middle', rule(`name: ‸"api/*/token", ${USE}`)],
  ['WRONG_VALUE', 'a pattern for everything', rule(`name: ‸"*", ${USE}`)],
  ['MISSING_KEY', 'no parameters', secrets('‸{ name: a, tools: [http_get] }')],
  ['UNKNOWN_TOOL', 'a tool of nobody', rule('name: a, tools: [‸http_gett], parameters: [token]')],
  [
    'WRONG_VALUE',
    'an answer of a client',
    rule('name: a, tools: [‸elicitation/create], parameters: [response]'),
  ],
  ['WRONG_VALUE', 'a parameter of nobody', rule('name: a, tools: [http_get], parameters: [‸tokn]')],
  ['WRONG_VALUE', 'a path', rule('name: a, tools: [read_file], parameters: [‸path]')],
  ['WRONG_VALUE', 'roles of nobody', rule(`name: a, ${USE}, roles: ‸[]`)],
  ['UNKNOWN_KEY', 'a key of nobody', rule(`name: a, ${USE}, ‸whole: true`)],
];

describe('secrets', () => {
  it.each(CASES)('are refused with %s: %s', async (code, _about, parts) => {
    const { sources, place } = unmarked(sourcesWith(parts));
    expect(await findingsOf(sources)).toEqual([`${code} at ${place}`]);
  });

  it('compile to one form, and are read back', async () => {
    const written =
      'name: api/*, tools: [http_get, http_get], parameters: [token, /headers/*], roles: [b, a], embedded: true';
    const { bundle } = await compiled(sourcesWith(rule(written)));
    expect(bundle.secrets).toEqual([
      {
        name: 'api/*',
        tools: ['http_get'],
        parameters: ['/headers/*', '/token'],
        principals: null,
        roles: ['a', 'b'],
        embedded: true,
      },
    ]);
    expect(parseCompiledBundle(JSON.parse(JSON.stringify(bundle)))).toEqual(bundle);
  });

  it('are part of what the labeler’s digest covers, and absent from bundles without them', async () => {
    const { bundle: plain } = await compiled(sourcesWith({ tools: TOOLS }));
    const { bundle } = await compiled(sourcesWith(rule(`name: a, ${USE}`)));
    expect(plain).not.toHaveProperty('secrets');
    expect(bundle.hashes.labeler).not.toBe(plain.hashes.labeler);
  });
});
