import { describe, expect, it } from 'vitest';
import { compileBundle } from './compile.ts';
import { COMPILE_ERROR_CODES, COMPILE_WARNING_CODES } from './errors.ts';
import { FIELD_CASES, RELEASE_CASES } from './flow-cases.fixture.ts';
import { formatCompileError } from './format-compile-error.ts';
import { HANDLE_CASES } from './handle-cases.fixture.ts';
import { LIMIT_CASES } from './limit-cases.fixture.ts';
import { crypto, findingsOf, PARTS, type Parts, sourcesWith, unmarked } from './sources.fixture.ts';

// Each case replaces parts of a bundle that compiles. ‸ marks where the one error must be reported.
type Case = readonly [code: (typeof COMPILE_ERROR_CODES)[number], about: string, parts: Parts];

const clause = (line: string): Parts => ({ clauses: `${PARTS.clauses}  - ${line}\n` });
const matching = (args: string): Parts => clause(`{ id: x, kind: trace, never: { args: ${args} } }`);
const argument = (condition: string, mark = '‸'): Parts => matching(`{ to: ${mark}${condition} }`);
const tool = (text: string): Parts => ({ tools: `${PARTS.tools}  other:\n${text}` });
const store = (text: string): Parts => ({ stores: `${PARTS.stores}  other:\n${text}` });
const head = (line: string): Parts => ({ head: PARTS.head + line });
const RETURNS = '    returns: { level: public, integrity: trusted }\n';
const LABEL = '    label: { level: internal, integrity: untrusted }\n';
const WRITES = (into: string) =>
  `  write_file:\n    effect: write\n    returns: { level: public, integrity: trusted }\n    parameters: { path: { stores: [${into}] } }\n`;

const CASES: readonly Case[] = [
  ['YAML_SYNTAX', 'a bracket left open', { documents: 'documents: [\n‸clauses: 1\n', clauses: '' }],
  ['YAML_SYNTAX', 'a tab for indentation', head('expires:\n‸\t- x\n')],
  ['YAML_SYNTAX', 'a second document', { documents: '‸---\na: 1\n', clauses: '' }],
  ['YAML_SYNTAX', 'nesting without end', head(`description: ${'['.repeat(32)}‸[${'['.repeat(5000)}\n`)],
  ['YAML_FEATURE', 'an anchor', head('assurance: &a ‸standard\n')],
  ['YAML_FEATURE', 'a tag', head('assurance: !!str ‸standard\n')],
  ['YAML_FEATURE', 'a directive', { head: `‸%YAML 1.1\n---\n${PARTS.head}` }],
  ['DUPLICATE_KEY', 'the same key again', head('‸version: 2\n')],
  ['UNKNOWN_KEY', 'a mistyped key', head('‸expire: 2027-12-31T00:00:00Z\n')],
  [
    'UNKNOWN_KEY',
    'a key of another kind of clause',
    clause('{ id: x, kind: flow, rule: parameters, ‸max: 3 }'),
  ],
  ['MISSING_KEY', 'no version', { head: '‸name: desk\nowner: o\ntenants: [acme, globex]\n' }],
  [
    'MISSING_KEY',
    'a label whose integrity is not said',
    tool('    effect: read\n    returns: ‸{ level: public }\n'),
  ],
  ['MISSING_KEY', 'a clause without a kind', clause('‸{ id: x }')],
  ['WRONG_VALUE', 'a version that does not count', { head: PARTS.head.replace('version: 1', 'version: ‸0') }],
  [
    'WRONG_VALUE',
    'a version beyond exact numbers',
    { head: PARTS.head.replace(': 1', ': ‸9007199254740993') },
  ],
  ['WRONG_VALUE', 'no tenants', { head: PARTS.head.replace('[acme, globex]', '‸[]') }],
  ['WRONG_VALUE', 'a tenant that is no path segment', { head: PARTS.head.replace('globex', '‸a/b') }],
  ['WRONG_VALUE', 'a date that does not exist', head('expires: ‸2027-02-30T00:00:00Z\n')],
  [
    'WRONG_VALUE',
    'a mistyped level',
    tool('    effect: read\n    returns: { level: ‸pubic, integrity: trusted }\n'),
  ],
  ['WRONG_VALUE', 'a map where a list belongs', { constants: 'constants:\n  team: ‸{ a: 1 }\n' }],
  ['WRONG_VALUE', 'a constant with a fraction', { constants: 'constants:\n  team: [‸1.5]\n' }],
  ['WRONG_VALUE', 'a constant that is not a number', { constants: 'constants:\n  team: [‸.nan]\n' }],
  ['WRONG_VALUE', 'half a character', { constants: 'constants:\n  team: [‸"\\ud800"]\n' }],
  ['WRONG_VALUE', 'a key that is no key', { constants: `${PARTS.constants}  ‸__proto__: [a]\n` }],
  ['WRONG_VALUE', 'a name with a space', { constants: `${PARTS.constants}  ‸the team: [a]\n` }],
  [
    'WRONG_VALUE',
    'a tool name with a space',
    { tools: `${PARTS.tools}  ‸a b:\n    effect: read\n${RETURNS}` },
  ],
  ['WRONG_VALUE', 'a window that is no duration', clause('{ id: x, kind: limit, max: 1, window: ‸1 hour }')],
  ['WRONG_VALUE', 'a limit of nothing', clause('{ id: x, kind: limit, max: ‸0 }')],
  ['WRONG_VALUE', 'never without saying what', clause('{ id: x, kind: trace, never: ‸{} }')],
  ['WRONG_VALUE', 'an absolute store', store(`    paths: [‸"/etc/**"]\n${LABEL}`)],
  ['WRONG_VALUE', 'a store that climbs', store(`    paths: [‸"a/../../b"]\n${LABEL}`)],
  ['WRONG_VALUE', '** inside a segment', store(`    paths: [‸"a**/b"]\n${LABEL}`)],
  [
    'WRONG_VALUE',
    'a pointer that is none',
    tool(`    effect: read\n${RETURNS}    parameters: { ‸"/a~2": {} }\n`),
  ],
  [
    'WRONG_VALUE',
    'a compartment with a space',
    tool('    effect: read\n    returns: { level: public, compartments: [‸"a b"], integrity: trusted }\n'),
  ],
  [
    'UNKNOWN_KEY',
    'only_after',
    clause('{ id: x, kind: trace, never: { effects: [read] }, ‸only_after: { effects: [write] } }'),
  ],
  [
    'NOT_IN_VERSION',
    'a hold that the user decides',
    clause('{ id: x, kind: hold, ‸approver: user, approvers: { roles: [boss] } }'),
  ],
  ['MISSING_KEY', 'a hold that nobody may end', clause('‸{ id: x, kind: hold }')],
  ['WRONG_VALUE', 'approvers that are nobody', clause('{ id: x, kind: hold, approvers: ‸{} }')],
  [
    'APPROVERS_TOO_FEW',
    'empty lists of approvers',
    clause('{ id: x, kind: hold, approvers: ‸{ roles: [] } }'),
  ],
  [
    'APPROVERS_TOO_FEW',
    'more approvals than approvers',
    clause('{ id: x, kind: hold, approvals: 2, approvers: ‸{ ids: [ann, ann] } }'),
  ],
  [
    'WRONG_VALUE',
    'no approval',
    clause('{ id: x, kind: hold, approvals: ‸0, approvers: { roles: [boss] } }'),
  ],
  [
    'WRONG_VALUE',
    'nine approvals',
    clause('{ id: x, kind: hold, approvals: ‸9, approvers: { roles: [boss] } }'),
  ],
  [
    'WRONG_VALUE',
    'an approval of two days',
    clause('{ id: x, kind: hold, within: ‸2d, approvers: { roles: [boss] } }'),
  ],
  [
    'UNKNOWN_TOOL',
    'a hold of no tool',
    clause('{ id: x, kind: hold, on: { tools: [‸nothing] }, approvers: { roles: [boss] } }'),
  ],
  ['UNKNOWN_KEY', 'fields beside what is returned', tool(`    effect: read\n${RETURNS}    ‸fields: {}\n`)],
  ['NOT_IN_VERSION', 'plans', head('‸plan: {}\n')],
  ['NOT_IN_VERSION', 'invariants', head('‸invariants: []\n')],
  [
    'CEDAR_INVALID',
    'a policy that does not parse',
    { policy: `${PARTS.policy}@id("x")\npermit (principal, action‸, );\n` },
  ],
  [
    'CEDAR_INVALID',
    'a policy without an id',
    { policy: `${PARTS.policy}\n‸permit (principal, action, resource);\n` },
  ],
  [
    'CEDAR_INVALID',
    'a policy against the schema',
    {
      policy: `${PARTS.policy}@id("x")\nforbid (principal, action == Action::"call", resource) when { ‸resource.nam == "a" };\n`,
    },
  ],
  ['UNKNOWN_TOOL', 'in a clause', clause('{ id: x, kind: trace, never: { tools: [‸send_mial] } }')],
  [
    'UNKNOWN_TOOL',
    'in a Cedar policy',
    {
      policy: `${PARTS.policy}\n‸@id("x")\nforbid (principal, action, resource == Tool::"send_mial");\n`,
      schema: '',
    },
  ],
  [
    'UNKNOWN_TOOL',
    'in a condition of a Cedar policy',
    {
      policy: `${PARTS.policy}\n‸@id("x")\nforbid (principal, action, resource) when { [Tool::"gone"].contains(resource) };\n`,
      schema: '',
    },
  ],
  [
    'UNKNOWN_TOOL',
    'as a source',
    { tools: PARTS.tools.replace('from: [prompt', 'from: [{ result: ‸list }, prompt') },
  ],
  [
    'UNKNOWN_TOOL',
    'in a test case',
    { tests: '- name: x\n  events: [{ tool: ‸reed_file, expect: { effect: block } }]\n' },
  ],
  ['UNKNOWN_STORE', 'in a parameter', { tools: PARTS.tools.replace('[inbox, own]', '[inbox, ‸outbox]') }],
  ['UNKNOWN_CONSTANT', 'in a parameter', { tools: PARTS.tools.replace('constant: team', 'constant: ‸teem') }],
  ['UNKNOWN_EFFECT', 'of a tool', { tools: PARTS.tools.replace('egress', '‸eggress') }],
  ['UNKNOWN_EFFECT', 'in a clause', { clauses: PARTS.clauses.replace('egress, write', 'egress, ‸writes') }],
  [
    'UNKNOWN_EFFECT',
    'in a Cedar policy',
    {
      policy: `${PARTS.policy}\n‸@id("x")\nforbid (principal, action, resource in Effect::"writes");\n`,
      schema: '',
    },
  ],
  [
    'UNKNOWN_ACTION',
    'in a Cedar policy',
    {
      policy: `${PARTS.policy}\n‸@id("x")\nforbid (principal, action == Action::"cal", resource);\n`,
      schema: '',
    },
  ],
  [
    'UNKNOWN_CLAUSE',
    'in a test case',
    { tests: '- name: x\n  events: [{ tool: read_file, expect: { effect: block, clause: ‸labls } }]\n' },
  ],
  ['DUPLICATE_CLAUSE', 'the same id again', clause('{ id: ‸labels, kind: limit, max: 1 }')],
  ['CLAUSE_KIND_CLASH', 'a limit with the id of a policy', clause('{ id: ‸mailing, kind: limit, max: 1 }')],
  ['PERMIT_WITHOUT_POLICY', 'a permit that Cedar does not have', clause('{ id: ‸mailling, kind: permit }')],
  [
    'DUPLICATE_PARAMETER',
    'by name and by pointer',
    {
      tools: PARTS.tools.replace(
        '{ path: { stores: [inbox, own] } }',
        '{ path: { stores: [inbox] }, ‸/path: {} }',
      ),
    },
  ],
  [
    'ENDORSE_NOT_IN_FROM',
    'endorsing what is not accepted',
    {
      tools: PARTS.tools.replace(
        'from: [prompt, { constant: team }], endorse: [prompt]',
        'from: [{ constant: team }], endorse: [‸prompt]',
      ),
    },
  ],
  [
    'NEVER_MATCHES',
    'an effect that the tool has not',
    clause('{ id: x, kind: limit, max: 1, on: { tools: [send_mail], effects: ‸[read] } }'),
  ],
  [
    'NEVER_MATCHES',
    'a permission that no tool can give',
    clause('{ id: x, kind: trace, only: { effects: [egress] }, after: ‸{ effects: [admin] } }'),
  ],
  ['NEVER_MATCHES', 'a range without a number', argument('{ at_least: 5, at_most: 4 }')],
  ['NEVER_MATCHES', 'a value out of its range', argument('{ equals: [1, 2], at_least: 3 }')],
  ['NEVER_MATCHES', 'a value outside of its set', argument('{ equals: x, one_of: team }')],
  ['NEVER_MATCHES', 'a value that its pattern does not describe', argument('{ equals: x, matches: "y*" }')],
  ['NEVER_MATCHES', 'a pattern of a number', argument('{ matches: "y*", at_most: 3 }')],
  ['NEVER_MATCHES', 'the value of what is not there', argument('{ present: false, equals: x }')],
  ['UNKNOWN_CONSTANT', 'in a class', argument('{ one_of: ‸teem }', '')],
  ['DUPLICATE_PARAMETER', 'in a class', matching('{ to: { present: true }, ‸/to: { present: true } }')],
  ['WRONG_VALUE', 'an argument that is no pointer', matching('{ ‸/a~2: { present: true } }')],
  ['WRONG_VALUE', 'arguments without any', matching('‸{}')],
  ['WRONG_VALUE', 'an argument of which nothing is asked', argument('{}')],
  ['WRONG_VALUE', 'a bound that is no whole number', argument('{ at_least: ‸1.5 }', '')],
  [
    'WRONG_VALUE',
    'a compartment that is none',
    clause('{ id: x, kind: trace, never: { label: { holds: [‸"a b"] } } }'),
  ],
  [
    'WRONG_VALUE',
    'a tolerance that leaves no time',
    clause(
      '{ id: x, kind: trace, after: { effects: [egress] }, then: { effects: [read] }, within: 5s, tolerance: ‸5s }',
    ),
  ],
  ['TRACE_PATTERN', 'no pattern', clause('‸{ id: x, kind: trace }')],
  ['TRACE_PATTERN', 'half a pattern', clause('‸{ id: x, kind: trace, only: { effects: [read] } }')],
  [
    'TRACE_PATTERN',
    'two patterns at once',
    clause('‸{ id: x, kind: trace, never: { effects: [read] }, at_most: 3, of: { effects: [read] } }'),
  ],
  [
    'TRACE_CONTRADICTION',
    'only after itself',
    clause('{ id: x, kind: trace, only: { effects: [egress] }, after: ‸{ tools: [send_mail] } }'),
  ],
  [
    'TRACE_CONTRADICTION',
    'a permission that another clause refuses',
    clause(
      '{ id: x, kind: trace, only: { effects: [egress] }, after: ‸{ tools: [read_file] } }\n' +
        '  - { id: y, kind: trace, never: { tools: [read_file] } }',
    ),
  ],
  [
    'TRACE_CONTRADICTION',
    'an end that the prohibition refuses',
    clause(
      '{ id: x, kind: trace, after: { effects: [read] }, never: { effects: [egress] }, until: ‸{ tools: [send_mail] } }',
    ),
  ],
  [
    'TRACE_CONTRADICTION',
    'an end that begins anew',
    clause(
      '{ id: x, kind: trace, after: { effects: [read] }, never: { effects: [egress] }, until: ‸{ tools: [read_file] } }',
    ),
  ],
  [
    'TRACE_CONTRADICTION',
    'an end under a label that begins anew',
    clause(
      '{ id: x, kind: trace, after: { label: { integrity: untrusted } }, never: { effects: [egress] }, until: ‸{ tools: [read_file] } }',
    ),
  ],
  [
    'TRACE_CONTRADICTION',
    'an obligation that nobody can meet',
    clause(
      '{ id: x, kind: trace, after: { effects: [read] }, then: ‸{ effects: [egress] }, within: 1h }\n' +
        '  - { id: y, kind: trace, never: { tools: [send_mail] } }',
    ),
  ],
  ['RETURNS_MISSING', 'a tool without a label', { tools: `${PARTS.tools}  ‸other:\n    effect: read\n` }],
  [
    'CLEARANCE_UNGUARDED',
    'a clearance that no clause asks for',
    {
      clauses: PARTS.clauses.replace('egress, write', 'write'),
      tools: PARTS.tools.replace('clearance', '‸clearance'),
    },
  ],
  [
    'CLEARANCE_UNGUARDED',
    'a document’s clearance that no clause asks for',
    {
      documents:
        'documents:\n  - uri: "web://*"\n    label: { level: public, integrity: untrusted }\n    ‸clearance: { level: public, integrity: untrusted }\n',
    },
  ],
  [
    'CLEARANCE_UNGUARDED',
    'a store written to that no clause guards',
    {
      ...tool(`    effect: write\n    ‸parameters: { path: { stores: [inbox] } }\n`),
      clauses: PARTS.clauses.replace('egress, write', 'egress'),
    },
  ],
  [
    'PARAMETERS_UNGUARDED',
    'rules for parameters that no clause asks for',
    {
      clauses: PARTS.clauses.replace('rule: parameters', 'rule: parameters, on: { effects: [egress] }'),
      tools: PARTS.tools.replace('parameters', '‸parameters'),
    },
  ],
  [
    'LAUNDERING',
    'a store that returns less than it takes',
    store(`    paths: ["other/**"]\n${LABEL}    accepts: ‸{ level: secret, integrity: untrusted }\n`),
  ],
  [
    'LAUNDERING',
    'a store that makes the untrusted trusted',
    store(
      '    paths: ["other/**"]\n    label: { level: internal, integrity: trusted }\n    accepts: ‸{ level: internal, integrity: untrusted }\n',
    ),
  ],
  [
    'LAUNDERING',
    'a written store whose paths another reads as something lesser',
    {
      tools: `${PARTS.tools}${WRITES('own')}`,
      stores: `${PARTS.stores.replace('label: { level: conf', 'label: ‸{ level: conf')}  shared:\n    paths: ["own/*/shared.txt"]\n${LABEL}`,
    },
  ],
  [
    'LAUNDERING',
    'a written store in which tenants meet',
    {
      tools: `${PARTS.tools}${WRITES('meet')}`,
      stores: `${PARTS.stores}  meet:\n    paths: ["meet/**"]\n    label: ‸{ level: internal, compartments: ["tenant:{tenant}"], integrity: untrusted }\n`,
    },
  ],
  [
    'TENANT_PLACEHOLDER',
    'within a compartment',
    tool(
      '    effect: read\n    returns: { level: public, compartments: [‸"org:{tenant}"], integrity: trusted }\n',
    ),
  ],
  ['TENANT_PLACEHOLDER', 'within a segment', store(`    paths: [‸"own-{tenant}/**"]\n${LABEL}`)],
  [
    'TENANT_PLACEHOLDER',
    'in a document pattern',
    {
      documents:
        'documents:\n  - { uri: ‸"demo://{tenant}/*", label: { level: public, integrity: untrusted } }\n',
    },
  ],
  [
    'ASSURANCE_MODE',
    'a weak clause',
    { ...head('assurance: high\n'), ...clause('{ id: x, kind: limit, max: 1, mode: ‸monitor }') },
  ],
  ['ASSURANCE_MODE', 'a weak default', head('assurance: high\ndefault_mode: ‸shadow\n')],
  [
    'DUPLICATE_TEST',
    'two cases of one name',
    { tests: `${PARTS.tests}- name: ‸a read\n  events: [{ tool: read_file, expect: { effect: allow } }]\n` },
  ],
  ['WRONG_VALUE', 'a test of nothing', { tests: '- name: x\n  events: [‸{ expect: { effect: allow } }]\n' }],
  [
    'WRONG_VALUE',
    'a reason that no decision has',
    { tests: '- name: x\n  events: [{ tool: read_file, expect: { effect: block, code: ‸NOT_ALLOWED } }]\n' },
  ],
  [
    'TOO_MANY',
    'more paths than can be compared',
    {
      stores: `‸stores:\n${PARTS.stores.slice('stores:\n'.length)}  other:\n    paths: [${Array.from({ length: 501 }, (_, index) => `p${index}`).join(', ')}]\n${LABEL}`,
    },
  ],
];

describe('a bundle that does not compile', () => {
  it.each(CASES)('%s: %s', async (code, _about, parts) => {
    const { sources, place } = unmarked(sourcesWith(parts));
    expect(await findingsOf(sources)).toEqual([`${code} at ${place}`]);
  });

  it('FILE_MISSING: names each file that is not there', async () => {
    expect(await findingsOf({ files: new Map() })).toEqual([
      'FILE_MISSING at bundle.yaml:1:1',
      'FILE_MISSING at policy.cedar:1:1',
    ]);
  });

  it('FILE_UNEXPECTED: neither reads nor digests what is no part of a bundle', async () => {
    for (const path of [
      'README.md',
      'tests/a.yml',
      'tests/a/b.yaml',
      'tests/a\nb.yaml',
      '__proto__',
      '../bundle.yaml',
    ]) {
      const files = new Map(sourcesWith().files).set(path, '');
      expect(await findingsOf({ files }), path).toEqual(['FILE_UNEXPECTED at bundle.yaml:1:1']);
    }
  });

  it('FILE_TOO_LARGE: is not read', async () => {
    expect(await findingsOf(sourcesWith({ policy: ' '.repeat(1_000_001) }))).toEqual([
      'FILE_TOO_LARGE at policy.cedar:1:1',
    ]);
  });

  it('TOO_MANY: clauses and files are bounded', async () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, index) => `  - { id: c${index}, kind: limit, max: 9 }\n`,
    );
    const { sources, place } = unmarked(
      sourcesWith({ clauses: `‸clauses:\n${PARTS.clauses.slice(9)}${lines.join('')}` }),
    );
    expect(await findingsOf(sources)).toEqual([`TOO_MANY at ${place}`]);
    const files = new Map(Array.from({ length: 1001 }, (_, index) => [`tests/${index}.yaml`, '']));
    expect(await findingsOf({ files: new Map([...sourcesWith().files, ...files]) })).toEqual([
      'TOO_MANY at bundle.yaml:1:1',
    ]);
  });

  it('TRACE_CONTRADICTION: two clauses that wait for each other are both named, whatever waits behind them', async () => {
    const waits = (id: string, only: string, after: string) =>
      `{ id: ${id}, kind: trace, only: { tools: [${only}] }, after: { tools: [${after}] } }`;
    const two = `${waits('x', 'read_file', 'send_mail')}\n  - ${waits('y', 'send_mail', 'read_file')}`;
    expect(await findingsOf(sourcesWith(clause(two)))).toEqual([
      'TRACE_CONTRADICTION at bundle.yaml:29:64',
      'TRACE_CONTRADICTION at bundle.yaml:30:64',
    ]);
    // A class that asks for more than a tool leaves a way.
    const narrower = two.replace(
      'only: { tools: [send_mail]',
      'only: { tools: [send_mail], args: { to: { equals: x } }',
    );
    expect(await findingsOf(sourcesWith(clause(narrower)))).toEqual([]);
    const shadow = clause(
      `{ id: z, mode: shadow, kind: trace, never: { tools: [read_file] } }\n  - ${waits('x', 'send_mail', 'read_file')}`,
    );
    expect(await findingsOf(sourcesWith(shadow))).toEqual([]);
  });

  it('TOO_MANY: a set of constants in many classes is refused with the clause that makes it too much', async () => {
    const constants = `constants:\n  team: [${Array.from({ length: 998 }, (_, n) => n).join(', ')}]\n  all: [${Array.from({ length: 1001 }, (_, n) => n).join(', ')}]\n`;
    const asks = (id: string, set: string) =>
      `{ id: ${id}, kind: trace, never: { args: { to: { one_of: ${set} } } } }`;
    const one = { ...clause(`‸${asks('x', 'all')}`), constants };
    const { sources, place } = unmarked(sourcesWith(one));
    expect(await findingsOf(sources)).toEqual([`TOO_MANY at ${place}`]);
    const many = Array.from({ length: 210 }, (_, n) => `${n === 200 ? '‸' : ''}${asks(`x${n}`, 'team')}`);
    const all = unmarked(sourcesWith({ ...clause(many.join('\n  - ')), constants }));
    expect(await findingsOf(all.sources)).toEqual([`TOO_MANY at ${all.place}`]);
  });

  it('names everything that is wrong at once, in reading order', async () => {
    const sources = sourcesWith({
      tools: PARTS.tools.replace('[inbox, own]', '[inbox, gone]').replace('constant: team', 'constant: teem'),
      policy: 'permit (principal, action, resource);',
      tests: '- name: x\n  events: [{ tool: nothing, expect: { effect: block } }]\n',
    });
    expect(await findingsOf(sources)).toEqual([
      'UNKNOWN_STORE at bundle.yaml:17:43',
      'UNKNOWN_CONSTANT at bundle.yaml:22:52',
      'CEDAR_INVALID at policy.cedar:1:1',
      'UNKNOWN_TOOL at tests/basic.yaml:2:20',
    ]);
  });

  it('gives no bundle', async () => {
    const result = await compileBundle(sourcesWith(head('unknown: 1\n')), crypto);
    expect(result.ok).toBe(false);
    expect(result).not.toHaveProperty('bundle');
    expect(result).not.toHaveProperty('bytes');
  });

  it('reads like a compiler, with the clause and the mend, and one line however hostile the text', async () => {
    const result = await compileBundle(
      sourcesWith(clause('{ id: x, kind: trace, never: { tools: [send_mial] } }')),
      crypto,
    );
    expect(result.ok ? [] : result.errors.map(formatCompileError)).toEqual([
      'bundle.yaml:29:44: clause x: expected a tool that `tools` declares, came `send_mial`; ' +
        'mend: did you mean `send_mail`? otherwise declare it under `tools` [UNKNOWN_TOOL]',
    ]);
    const hostile = await compileBundle(sourcesWith(head('"\\e[2J\\n\\u202Ekey": 1\n')), crypto);
    expect(hostile.ok ? [] : hostile.errors.map(formatCompileError).join('')).toContain(
      'came `\\u001b[2J\\u000a\\u202ekey`',
    );
  });
});

describe('a bundle that compiles with a warning', () => {
  it.each([
    ['SCHEMA_MISSING', 'schema.cedarschema:1:1', { schema: '' }],
    ['NO_PERMIT', 'policy.cedar:1:1', { policy: '@id("reading")\nforbid (principal, action, resource);\n' }],
    [
      'EGRESS_UNGUARDED',
      'bundle.yaml:23:3',
      { ...tool(`    effect: write\n${RETURNS}`), clauses: PARTS.clauses.replace('egress, write', 'egress') },
    ],
    [
      'CEDAR_WARNING',
      'policy.cedar:6:1',
      {
        policy: `${PARTS.policy}@id("x")\nforbid (principal, action == Action::"call", resource) when { false };\n`,
      },
    ],
  ] as const)('%s', async (code, place, parts) => {
    expect(await findingsOf(sourcesWith(parts))).toEqual([`${code} at ${place}`]);
  });

  it('EXPIRED, once it is told the time', async () => {
    const parts = {
      ...head('expires: 2026-01-01T00:00:00Z\n'),
      ...clause('{ id: x, kind: limit, max: 1, expires: 2026-01-01T00:00:00Z }'),
    };
    expect(await findingsOf(sourcesWith(parts))).toEqual([]);
    expect(await findingsOf(sourcesWith(parts), { now: Date.parse('2027-01-01T00:00:00Z') })).toEqual([
      'EXPIRED at bundle.yaml:5:10',
      'EXPIRED at bundle.yaml:30:44',
    ]);
  });
});

it('every code has a case here', () => {
  const covered = new Set<string>(
    [...CASES, ...RELEASE_CASES, ...FIELD_CASES, ...LIMIT_CASES, ...HANDLE_CASES].map(([code]) => code),
  );
  for (const code of ['FILE_MISSING', 'FILE_UNEXPECTED', 'FILE_TOO_LARGE', 'TOO_MANY']) covered.add(code);
  expect([...covered].sort()).toEqual([...COMPILE_ERROR_CODES].sort());
  expect([...COMPILE_WARNING_CODES].sort()).toEqual([
    'ARGUMENT_UNKNOWN',
    'CEDAR_WARNING',
    'EGRESS_UNGUARDED',
    'EXPIRED',
    'EXTRACT_IDLE',
    'LIMIT_IDLE',
    'LIMIT_TOO_LOW',
    'NO_PERMIT',
    'SCHEMA_MISSING',
  ]);
});
