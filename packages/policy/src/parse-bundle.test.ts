import { canonicalBytes, isJsonObject, type JsonValue, parseJson } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicyError } from './errors.ts';
import { parseCompiledBundle } from './parse-bundle.ts';

const DIGEST = 'a'.repeat(64);
const INTERNAL = { level: 'internal', compartments: ['a', 'tenant:{tenant}'], integrity: 'untrusted' };
const BASE = {
  mode: 'enforce',
  severity: 'medium',
  owner: 'owner@acme.example',
  expires: null,
  critical: false,
  description: '',
};
const ANY_EVENT = { tools: null, effects: null, label: null, args: null, principal: null };
const ON = {
  tools: ['send_mail'],
  effects: ['egress'],
  label: { at_least: 'internal', holds: ['a'], integrity: 'untrusted' },
  args: { '/to/*': { present: true, equals: ['x', 7], matches: ['x*'], at_least: 1, at_most: 9 } },
  principal: { ids: ['agent-1'], roles: ['support'] },
};

const STAY = { from: 0, at: 'asked', in: [], not_in: [], full: null, to: 0, action: null, violation: null };
const PROHIBITION = (clause: string) => ({
  clause,
  initial: 0,
  states: 1,
  classes: [{ on: ON, unknown: 'in' }],
  register: null,
  transitions: [
    { ...STAY, in: [0], violation: 'TRACE_FORBIDDEN' },
    { ...STAY, not_in: [0] },
    { ...STAY, at: 'done' },
  ],
});

/** One of everything. */
const FULL = {
  format: 'provability-fabric/bundle/v1',
  name: 'desk',
  version: 3,
  owner: 'owner@acme.example',
  expires: 1_800_000_000_000,
  tenants: ['acme'],
  assurance: 'standard',
  default_mode: 'monitor',
  compiler: 'compiler/1',
  sources: { 'bundle.yaml': DIGEST },
  constants: { team: ['a@acme.example', 7, true, null] },
  tools: {
    send_mail: {
      effect: 'egress',
      once: true,
      returns: INTERNAL,
      fields: { '/id': { level: 'public', compartments: [], integrity: 'untrusted' } },
      text: 'yaml',
      clearance: INTERNAL,
      parameters: {
        '/to/*': {
          from: [
            { kind: 'prompt' },
            { kind: 'constant', set: 'team' },
            { kind: 'result', tool: 'list', field: '/*/id' },
            { kind: 'unknown' },
          ],
          endorse: [{ kind: 'prompt' }],
          trusted: true,
          same_tenant: true,
          member_of: { tool: 'list', field: '/*/id' },
          stores: ['files'],
          optional: false,
        },
      },
    },
    '*': {
      effect: 'read',
      once: false,
      returns: INTERNAL,
      fields: {},
      text: 'json',
      clearance: null,
      parameters: {},
    },
  },
  documents: [{ uri: 'demo://*', label: INTERNAL }],
  stores: { files: { paths: ['files/**'], label: INTERNAL, accepts: INTERNAL } },
  clauses: [
    { ...BASE, id: 'may', kind: 'permit' },
    {
      ...BASE,
      id: 'not',
      kind: 'trace',
      pattern: { kind: 'never', never: { ...ANY_EVENT, effects: ['admin'] } },
    },
    {
      ...BASE,
      id: 'then',
      kind: 'trace',
      pattern: { kind: 'after_never', after: ON, never: ON, until: ON },
    },
    { ...BASE, id: 'most', kind: 'trace', pattern: { kind: 'at_most', most: 2, of: ON } },
    { ...BASE, id: 'only', kind: 'trace', pattern: { kind: 'only_after', only: ON, after: ON } },
    {
      ...BASE,
      id: 'due',
      kind: 'trace',
      pattern: { kind: 'after_then', after: ON, response: ON, within_ms: 9, tolerance_ms: 1 },
    },
    { ...BASE, id: 'flow', kind: 'flow', rule: 'parameters', on: { ...ANY_EVENT } },
    {
      ...BASE,
      id: 'free',
      kind: 'release',
      rule: 'declassify',
      on: ON,
      parameter: '/to',
      type: 'id',
      from: { level: 'confidential', compartments: ['tenant:{tenant}'], integrity: 'untrusted' },
      to: { level: 'internal', compartments: ['tenant:{tenant}'], integrity: 'untrusted' },
    },
    { ...BASE, id: 'few', kind: 'limit', on: ON, max: 2, window_ms: 1000, tolerance_ms: 0 },
    {
      ...BASE,
      id: 'held',
      kind: 'hold',
      on: ON,
      approvals: 2,
      approvers: { roles: ['boss'], ids: ['ann'] },
      within_ms: 900_000,
    },
  ],
  cedar: { anything: ['at', 'all'] },
  automata: {
    format: 'provability-fabric/dfa/v2',
    automata: [
      PROHIBITION('not'),
      PROHIBITION('then'),
      {
        clause: 'most',
        initial: 0,
        states: 1,
        classes: [{ on: ON, unknown: 'in' }],
        register: { kind: 'counter', most: 2 },
        transitions: [
          { ...STAY, in: [0], full: false, action: 'count' },
          { ...STAY, in: [0], full: true, violation: 'TRACE_FORBIDDEN' },
          { ...STAY, not_in: [0] },
          { ...STAY, at: 'done' },
        ],
      },
      PROHIBITION('only'),
      {
        clause: 'due',
        initial: 0,
        states: 2,
        classes: [
          { on: ON, unknown: 'in' },
          { on: ON, unknown: 'out' },
        ],
        register: { kind: 'deadline', within_ms: 8 },
        transitions: [
          { ...STAY, in: [0], to: 1, action: 'start' },
          { ...STAY, not_in: [0] },
          { ...STAY, at: 'done' },
          { ...STAY, from: 1, to: 1, action: 'forget' },
          { ...STAY, from: 1, at: 'done', in: [1], to: 0, action: 'clear' },
          { ...STAY, from: 1, at: 'done', not_in: [1], to: 1 },
          { ...STAY, from: 1, at: 'deadline', to: 0 },
        ],
      },
    ],
  },
  hashes: { policy: DIGEST, automata: DIGEST, labeler: DIGEST },
};

type Path = readonly (string | number)[];

/** Every part of the bundle but the inside of `cedar`. */
function* paths(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (path[0] === 'cedar' || typeof value !== 'object' || value === null) return;
  const entries = Array.isArray(value)
    ? value.map((item, index) => [index, item] as const)
    : Object.entries(value);
  for (const [key, inner] of entries) yield* paths(inner, [...path, key]);
}

function changed(
  path: Path,
  change: (parent: Record<string | number, unknown>, key: string | number) => void,
) {
  const copy = structuredClone(FULL) as unknown as Record<string | number, unknown>;
  const parent = path.slice(0, -1).reduce((at, key) => at[key] as typeof copy, copy);
  change(parent, path.at(-1) as string | number);
  return copy as unknown as JsonValue;
}

function refusal(value: JsonValue): string {
  try {
    parseCompiledBundle(value);
    return 'taken';
  } catch (error) {
    return error instanceof PolicyError ? error.code : `threw ${String(error)}`;
  }
}

const at = (path: Path) => path.join(' › ');
/** Members whose names are data: one less of them is another bundle, not a malformed one. */
const PARAMETER = ['tools', 'send_mail', 'parameters', '/to/*'] as const;
const HOLD = ['clauses', FULL.clauses.findIndex(({ id }) => id === 'held')] as const;
const RELEASE = ['clauses', FULL.clauses.findIndex(({ id }) => id === 'free')] as const;
const BY_NAME = /^(sources|constants|stores|tools|tools › [^ ]+ › (?:parameters|fields)|.* › args) › [^ ]+$/;

function replaced(path: Path, value: unknown): JsonValue {
  return changed(path, (parent, key) => {
    parent[key] = value;
  });
}

describe('a compiled bundle from anywhere', () => {
  it('is taken as it is when every part is as it must be', () => {
    const parsed = parseCompiledBundle(FULL as unknown as JsonValue);
    expect(parsed).toEqual(FULL);
    expect(canonicalBytes(parsed as unknown as JsonValue)).toEqual(
      canonicalBytes(FULL as unknown as JsonValue),
    );
  });

  it('cannot have a part of another type', () => {
    for (const path of paths(FULL)) {
      for (const wrong of [undefined, 1.5, -1.5, 2 ** 53, 1n, [[]], { a: { b: 1 } }]) {
        if (path[0] === 'cedar' && isJsonObject(wrong as JsonValue)) continue;
        expect(refusal(replaced(path, wrong)), `${at(path)} = ${String(wrong)}`).toBe('BUNDLE_MALFORMED');
      }
    }
  });

  it('cannot have text with control characters where it names something', () => {
    for (const path of paths(FULL)) {
      if (/description$|team › |equals › /.test(at(path))) continue;
      expect(refusal(replaced(path, 'a\u0000')), at(path)).toBe('BUNDLE_MALFORMED');
    }
  });

  it('cannot have a word that is none of those it may be', () => {
    const words =
      /(format|assurance|mode|effect|effects › 0|level|integrity|kind|severity|rule|policy|labeler|yaml)$/;
    const chosen = [...paths(FULL)].filter((path) => words.test(at(path)));
    for (const path of chosen) expect(refusal(replaced(path, 'other')), at(path)).toBe('BUNDLE_MALFORMED');
    expect(chosen.length).toBeGreaterThan(35);
  });

  it('cannot lack a member', () => {
    const lacking = [...paths(FULL)].filter(
      (path) => typeof path.at(-1) === 'string' && !BY_NAME.test(at(path)),
    );
    for (const path of lacking) {
      expect(refusal(changed(path, (parent, key) => delete parent[key])), at(path)).toBe('BUNDLE_MALFORMED');
    }
    expect(lacking.length).toBeGreaterThan(80);
  });

  it('cannot have a member that means nothing', () => {
    for (const path of paths(FULL)) {
      if (BY_NAME.test(`${at(path)} › x`) || path[0] === 'cedar') continue;
      const added = changed(path, (parent, key) => {
        const here = parent[key];
        if (typeof here === 'object' && here !== null && !Array.isArray(here))
          (here as Record<string, unknown>).x = 1;
        else if (!Array.isArray(parent)) parent.x = 1;
        else parent[key] = { x: 1 };
      });
      expect(refusal(added), at(path)).toBe('BUNDLE_MALFORMED');
    }
  });

  it.each([
    ['an unknown store', ['tools', 'send_mail', 'parameters', '/to/*', 'stores', 0], 'gone'],
    [
      'a store out of the prototype',
      ['tools', 'send_mail', 'parameters', '/to/*', 'stores', 0],
      'constructor',
    ],
    ['a set of what is no tool', [...PARAMETER, 'member_of', 'tool'], 'no name'],
    ['a field above the whole', ['tools', 'send_mail', 'fields', '/id', 'level'], 'secret'],
    ['fields of what returns nothing of its own', ['tools', 'send_mail', 'returns'], null],
    ['a release that goes up', [...RELEASE, 'to', 'level'], 'secret'],
    ['a release into the same', [...RELEASE, 'to', 'level'], 'confidential'],
    ['a release that removes a tenant', [...RELEASE, 'to', 'compartments'], []],
    ['a release of trust and data at once', [...RELEASE, 'to', 'integrity'], 'trusted'],
    ['a type of no parameter', [...RELEASE, 'parameter'], null],
    ['an endorsement that declassifies', [...RELEASE, 'rule'], 'endorse'],
    ['a hold that nobody may end', [...HOLD, 'approvers'], { roles: [], ids: [] }],
    ['a hold that too few may end', [...HOLD, 'approvers', 'roles'], []],
    ['a hold for more approvals than anybody has people for', [...HOLD, 'approvals'], 9],
    ['an approval of two days', [...HOLD, 'within_ms'], 172_800_000],
    [
      'a release that nobody may approve',
      [...RELEASE, 'approver'],
      { approvals: 1, approvers: { roles: [], ids: [] }, within_ms: 1 },
    ],
    ['a release approved by a word', [...RELEASE, 'approver'], 'user'],
    ['a release approved by nothing', [...RELEASE, 'approver'], null],
    ['an unknown set', ['tools', 'send_mail', 'parameters', '/to/*', 'from', 1, 'set'], 'gone'],
    ['an automaton of another clause', ['automata', 'automata', 0, 'clause'], 'may'],
    ['a missing automaton', ['automata', 'automata'], []],
    ['an automaton that starts nowhere', ['automata', 'automata', 0, 'initial'], 1],
    ['a transition to nowhere', ['automata', 'automata', 4, 'transitions', 0, 'to'], 2],
    ['a letter of no class', ['automata', 'automata', 4, 'transitions', 0, 'in', 0], 2],
    ['a violation that moves', ['automata', 'automata', 4, 'transitions', 0, 'violation'], 'TRACE_FORBIDDEN'],
    [
      'a violation of what was done',
      ['automata', 'automata', 0, 'transitions', 2, 'violation'],
      'TRACE_FORBIDDEN',
    ],
    ['two ways for one letter', ['automata', 'automata', 0, 'transitions', 1, 'not_in'], []],
    ['no way for a letter', ['automata', 'automata', 0, 'transitions', 1, 'in'], [0]],
    ['two deadlines at once', ['automata', 'automata', 4, 'transitions', 5, 'at'], 'deadline'],
    ['a state that is never reached', ['automata', 'automata', 4, 'states'], 3],
    ['more states than run', ['automata', 'automata', 4, 'states'], 17],
    ['a count without a counter', ['automata', 'automata', 2, 'register'], null],
    ['a count above the most', ['automata', 'automata', 2, 'transitions', 1, 'action'], 'count'],
    ['a deadline without one', ['automata', 'automata', 4, 'register'], { kind: 'counter', most: 1 }],
    ['a start at a deadline', ['automata', 'automata', 4, 'transitions', 6, 'action'], 'start'],
    ['an id used twice', ['clauses', 4, 'id'], 'flow'],
    ['a mode that high assurance forbids', ['assurance'], 'high'],
    ['compartments out of order', ['documents', 0, 'label', 'compartments'], ['b', 'a']],
    ['compartments twice', ['documents', 0, 'label', 'compartments'], ['a', 'a']],
    ['a placeholder of its own', ['documents', 0, 'label', 'compartments'], ['org:{tenant}']],
    ['no tenants', ['tenants'], []],
    ['another format', ['format'], 'provability-fabric/bundle/v2'],
  ] as const)('is refused with %s', (_what, path, value) => {
    expect(refusal(replaced(path, value))).toBe('BUNDLE_MALFORMED');
  });

  it('cannot bring a prototype along', () => {
    for (const section of ['tools', 'stores', 'constants', 'sources']) {
      const text = JSON.stringify(FULL).replace(`"${section}":{`, `"${section}":{"__proto__":{},`);
      expect(refusal(parseJson(text)), section).toBe('BUNDLE_MALFORMED');
    }
  });

  it('is refused, never thrown at, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, maxDepth: 3 }), (value) => {
        expect(refusal(value as JsonValue)).toBe('BUNDLE_MALFORMED');
      }),
      { numRuns: 1000, seed: 1 },
    );
  });
});
