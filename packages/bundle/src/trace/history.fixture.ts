import type { JsonValue } from '@provability-fabric/kernel';
import {
  type AutomataDocument,
  type Clause,
  type Environment,
  type EventClass,
  type Input,
  initialState,
  type LoadedBundle,
  loadBundle,
  type Output,
  type State,
  step,
  type TraceClause,
  type TracePattern,
} from '@provability-fabric/policy';
import fc from 'fast-check';
import { compiled, crypto, PARTS, sourcesWith } from '../sources.fixture.ts';

const TOOLS = ['a', 'b', 'c', 'd'];

export const ANY: EventClass = { tools: null, effects: null, label: null, args: null, principal: null };

/** What happens in a session: times are since the event before. */
export type Happening =
  | { readonly kind: 'ask'; readonly tool: string; readonly args: JsonValue; readonly after: number }
  | { readonly kind: 'settle'; readonly which: number; readonly outcome: 'done' | 'failed' | 'ambiguous' }
  | { readonly kind: 'tick'; readonly after: number };

const amount = fc.constantFrom<JsonValue>({}, { x: 1 }, { x: 2 }, { x: 'text' }, { x: [1] });

export const happenings: fc.Arbitrary<readonly Happening[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('ask' as const),
        tool: fc.constantFrom(...TOOLS),
        args: amount,
        after: fc.nat(6),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        which: fc.nat(5),
        outcome: fc.constantFrom('done' as const, 'done' as const, 'failed' as const, 'ambiguous' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const), after: fc.nat(8) }) },
  ),
  { maxLength: 40 },
);

const eventClass: fc.Arbitrary<EventClass> = fc
  .tuple(
    fc.option(fc.subarray(TOOLS, { minLength: 1 }), { freq: 6 }),
    fc.option(fc.constantFrom(1, 2), { freq: 2 }),
  )
  .map(([tools, x]) => ({
    ...ANY,
    tools,
    args:
      x === null
        ? null
        : { '/x': { present: null, equals: [x], matches: null, at_least: null, at_most: null } },
  }));

export const patterns: fc.Arbitrary<TracePattern> = fc.oneof(
  fc.record({ kind: fc.constant('never' as const), never: eventClass }),
  fc.record({ kind: fc.constant('only_after' as const), only: eventClass, after: eventClass }),
  fc.record({
    kind: fc.constant('after_never' as const),
    after: eventClass,
    never: eventClass,
    until: fc.option(eventClass, { freq: 3 }),
  }),
  fc.record({ kind: fc.constant('at_most' as const), most: fc.integer({ min: 1, max: 3 }), of: eventClass }),
  fc.record({
    kind: fc.constant('after_then' as const),
    after: eventClass,
    response: eventClass,
    within_ms: fc.integer({ min: 3, max: 20 }),
    tolerance_ms: fc.nat(2),
  }),
);

const BASE = {
  severity: 'medium',
  owner: 'o@acme.example',
  expires: null,
  critical: false,
  description: '',
} as const;

export function clausesOf(
  all: readonly TracePattern[],
  mode: Clause['mode'] = 'enforce',
): readonly TraceClause[] {
  return all.map((pattern, index) => ({ ...BASE, id: `t${index}`, kind: 'trace', mode, pattern }));
}

const POLICY = '@id("all")\npermit (principal, action, resource);\n';

/** A bundle that permits all of the tools, to which clauses and automata are added. */
export async function base() {
  const label = '{ level: public, integrity: trusted }';
  const tools = TOOLS.map((tool) => `  ${tool}: { effect: read, returns: ${label} }\n`).join('');
  const parts = { constants: '', stores: '', documents: '', tests: '', clauses: '', policy: POLICY };
  return (await compiled(sourcesWith({ ...PARTS, ...parts, tools: `tools:\n${tools}` }))).bundle;
}

export interface Answered {
  readonly input: Input;
  readonly output: Output;
  readonly before: State;
  readonly after: State;
}

export function loadedWith(
  bundle: Awaited<ReturnType<typeof base>>,
  clauses: readonly TraceClause[],
  automata: AutomataDocument,
): LoadedBundle {
  return loadBundle({ ...bundle, clauses: [...bundle.clauses, ...clauses], automata }, crypto);
}

export function opening(enforcement_mode: Environment['enforcement_mode']): Input {
  const environment = { enforcement_mode, default_mode: null, overlay: null };
  return { kind: 'open', at: 0, tenant: 'acme', session: 's', principal: 'p', environment, epoch: 1 };
}

/** Runs what happens through `step` under these automata; one answer for each happening that could be fed. */
export function run(
  bundle: Awaited<ReturnType<typeof base>>,
  clauses: readonly TraceClause[],
  automata: AutomataDocument,
  all: readonly Happening[],
  enforcement_mode: Environment['enforcement_mode'],
): readonly (Answered | undefined)[] {
  const loaded = loadedWith(bundle, clauses, automata);
  const open = opening(enforcement_mode);
  let state = step(loaded, initialState(loaded), open).state;
  let now = 1000;
  const asked: string[] = [];
  const principal = { id: 'p', roles: [], org: 'acme', tenant: 'acme', attributes: {} };
  return all.map((happening, position) => {
    const before = state;
    const feed = (input: Input): Answered => {
      const { state: after, output } = step(loaded, state, input);
      state = after;
      return { input, output, before, after };
    };
    if (happening.kind === 'tick') {
      now += happening.after;
      return feed({ kind: 'tick', at: now });
    }
    if (happening.kind === 'settle') {
      const certificate_id = asked.at(-1 - happening.which);
      if (certificate_id === undefined) return undefined;
      return feed({ kind: 'outcome', at: now, certificate_id, outcome: happening.outcome, result: null });
    }
    now += happening.after;
    const certificate_id = `c${position}`;
    asked.push(certificate_id);
    const action = { kind: 'call', target: happening.tool, args: happening.args } as const;
    return feed({
      kind: 'intent',
      at: now,
      certificate_id,
      principal,
      capability: null,
      action,
      epoch: 1,
      attributes: {},
    });
  });
}
