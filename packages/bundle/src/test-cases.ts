import { field, type JsonValue } from '@provability-fabric/kernel';
import {
  type Clause,
  type Environment,
  parseInstant,
  type ReasonCode,
  type Trace,
} from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { Diagnostics, type Place } from './diagnostics.ts';
import { parseDuration } from './duration.ts';
import type { CompileError } from './errors.ts';
import { unknownTool } from './event-classes.ts';
import { readShape, show } from './shape/read-shape.ts';
import { type TestDocument, testsShape } from './shape/test-shape.ts';
import { BUNDLE_FILE, type BundleSources, checkSources, testFiles } from './sources.ts';
import { didYouMean } from './suggestion.ts';
import type { Locations } from './yaml/located.ts';
import { readYaml } from './yaml/read-yaml.ts';

/** One case of tests/*.yaml: a trace ready for `replayTrace`, and what each of its events must get. */
export interface TestCase {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly trace: Trace;
  readonly mode: Environment['enforcement_mode'];
  /** One for each event of the trace, in its order. */
  readonly expected: readonly Expectation[];
}

export interface Expectation {
  readonly line: number;
  readonly effect: 'allow' | 'hold' | 'block';
  /** Some reason of the answer has this code and this clause; null makes no demand. */
  readonly code: ReasonCode | null;
  readonly clause: string | null;
}

export type TestCases =
  | { readonly ok: true; readonly cases: readonly TestCase[] }
  | { readonly ok: false; readonly errors: readonly CompileError[] };

/**
 * The test cases of a bundle, in the order of files and within them. The bundle itself is not compiled for
 * it.
 */
export function readTestCases(sources: BundleSources): TestCases {
  const found = new Diagnostics();
  checkSources(sources, found);
  if (found.failed) return { ok: false, errors: found.errors() };
  const bundle = readYaml(BUNDLE_FILE, sources.files.get(BUNDLE_FILE) as string, found)?.value;
  const tenants = field(bundle, 'tenants');
  const [tenant] = Array.isArray(tenants) ? (tenants as readonly JsonValue[]) : [];
  const parsed = parseTestCases(sources, typeof tenant === 'string' ? tenant : undefined, found);
  return found.failed
    ? { ok: false, errors: found.errors() }
    : { ok: true, cases: parsed.map(({ test }) => test) };
}

/** A case with the places of its parts, for what else can be wrong with it. */
interface ParsedCase {
  readonly test: TestCase;
  readonly index: number;
  readonly locations: Locations;
}

export function parseTestCases(
  sources: BundleSources,
  tenant: string | undefined,
  found: Diagnostics,
): readonly ParsedCase[] {
  return testFiles(sources).flatMap((file) => {
    const yaml = readYaml(file, sources.files.get(file) as string, found);
    const written = yaml && readShape(testsShape, yaml, found);
    if (yaml === undefined || written === undefined) return [];
    const names = new Set<string>();
    return written.map((test, index) => {
      const place = yaml.locations.value(index, 'name');
      if (names.has(test.name)) {
        found.error('DUPLICATE_TEST', place, {
          message: `expected a name that no other case of the file has, came \`${show(test.name)}\` again`,
          mend: 'say what sets this case apart',
        });
      }
      names.add(test.name);
      const where = (event: number) => yaml.locations.value(index, 'events', event, 'expect');
      return { test: testCase(test, place, tenant ?? 'tenant', where), index, locations: yaml.locations };
    });
  });
}

/** Cases without times start here. */
const START = parseInstant('2026-01-01T00:00:00Z') as number;

function testCase(
  test: TestDocument,
  { file, line }: Place,
  defaultTenant: string,
  where: (event: number) => Place,
): TestCase {
  const { id, roles, attributes } = test.principal;
  const tenant = test.principal.tenant ?? defaultTenant;
  const org = test.principal.org ?? tenant;
  let clock = START - 1000;
  const events = test.events.map(({ tool, read, args, at, outcome, result, approved_by }) => {
    // Without a time an event comes a second after the one before it.
    clock = at === undefined ? clock + 1000 : (parseInstant(at) ?? START + (parseDuration(at) ?? 0));
    const action = { kind: tool === undefined ? 'read' : 'call', target: tool ?? read ?? '', args } as const;
    const approvals = approved_by && { approved_by: approved_by.map((by) => ({ ...by, tenant })) };
    return { at: clock, action, outcome, result, epoch: 1, ...approvals };
  });
  return {
    name: test.name,
    file,
    line,
    trace: {
      session: 'test',
      principal: { id, roles, org, tenant, attributes },
      prompt: test.prompt ?? null,
      events,
    },
    mode: test.mode,
    expected: test.events.map(({ expect: { effect, code, clause } }, event) => ({
      line: where(event).line,
      effect,
      code: code ?? null,
      clause: clause ?? null,
    })),
  };
}

/** Names in test cases must exist: a case that expects a refusal would otherwise pass on a typing error. */
export function checkTestNames(
  cases: readonly ParsedCase[],
  clauses: readonly Clause[],
  clausesAreKnown: boolean,
  compilation: Compilation,
): void {
  const ids = new Set(clauses.map((clause) => clause.id));
  for (const { test, index, locations } of cases) {
    for (const [event, { action }] of test.trace.events.entries()) {
      const { clause } = test.expected[event] as Expectation;
      if (action.kind === 'call') {
        unknownTool(action.target, locations.value(index, 'events', event, 'tool'), undefined, compilation);
      }
      if (clause === null || !clausesAreKnown || ids.has(clause)) continue;
      compilation.found.error('UNKNOWN_CLAUSE', locations.value(index, 'events', event, 'expect', 'clause'), {
        message: `expected the id of a clause or Cedar policy, came \`${show(clause)}\``,
        mend: didYouMean(clause, ids, 'write an id that the bundle has'),
      });
    }
  }
}
