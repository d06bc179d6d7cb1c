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
const ON = { tools: ['send_mail'], effects: ['egress'] };

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
      returns: null,
      clearance: INTERNAL,
      parameters: {
        '/to/*': {
          from: [{ kind: 'prompt' }, { kind: 'constant', set: 'team' }, { kind: 'result', tool: 'list' }],
          endorse: [{ kind: 'prompt' }],
          stores: ['files'],
          optional: false,
        },
      },
    },
    '*': { effect: 'read', once: false, returns: INTERNAL, clearance: null, parameters: {} },
  },
  documents: [{ uri: 'demo://*', label: INTERNAL }],
  stores: { files: { paths: ['files/**'], label: INTERNAL, accepts: INTERNAL } },
  clauses: [
    { ...BASE, id: 'may', kind: 'permit' },
    {
      ...BASE,
      id: 'not',
      kind: 'trace',
      pattern: { kind: 'never', never: { tools: null, effects: ['admin'] } },
    },
    { ...BASE, id: 'then', kind: 'trace', pattern: { kind: 'after_never', after: ON, never: ON } },
    { ...BASE, id: 'flow', kind: 'flow', rule: 'parameters', on: { tools: null, effects: null } },
    { ...BASE, id: 'few', kind: 'limit', on: ON, max: 2, window_ms: 1000, tolerance_ms: 0 },
  ],
  cedar: { anything: ['at', 'all'] },
  automata: {
    format: 'provability-fabric/dfa/v1',
    automata: [
      { clause: 'not', initial: 0, states: 1, transitions: [{ from: 0, on: ON, to: 0, violation: true }] },
      { clause: 'then', initial: 0, states: 2, transitions: [{ from: 0, on: ON, to: 1, violation: false }] },
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
const BY_NAME = /^(sources|constants|stores|tools|tools › [^ ]+ › parameters) › [^ ]+$/;

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
      if (/description$|team › /.test(at(path))) continue;
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
    ['an unknown set', ['tools', 'send_mail', 'parameters', '/to/*', 'from', 1, 'set'], 'gone'],
    ['an automaton of another clause', ['automata', 'automata', 0, 'clause'], 'may'],
    ['a missing automaton', ['automata', 'automata'], []],
    ['an automaton that starts nowhere', ['automata', 'automata', 0, 'initial'], 1],
    ['a transition to nowhere', ['automata', 'automata', 1, 'transitions', 0, 'to'], 2],
    ['a violation that moves', ['automata', 'automata', 1, 'transitions', 0, 'violation'], true],
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
