import { BOTTOM, joinLabels, type Label, label } from '@provability-fabric/kernel';
import {
  type Clause,
  type CompiledBundle,
  type Input,
  type LoadedBundle,
  type State,
  type Stepped,
  step,
  type ToolRule,
} from '@provability-fabric/policy';
import type { PooledBundle } from './campaign.ts';
import { load } from './campaign.ts';
import { GENUINE, type Monitor } from './run.ts';

/** A monitor that has something wrong with it, which the laws must show. */
export interface Sabotage {
  readonly name: string;
  readonly monitor: Monitor;
  /** The bundle as it is run; the laws still judge by the true one. */
  readonly bundle: (pooled: PooledBundle) => LoadedBundle;
}

const TRUE_BUNDLE = ({ ir }: PooledBundle) => load(ir);
const TOP: Label = label('secret', ['pii', 'tenant:acme'], 'untrusted');

export const SABOTAGES: readonly Sabotage[] = [
  {
    name: 'reading a document raises no label',
    monitor: keepingLabel((input, before) => targetOf(before, input)?.startsWith('doc:') ?? false),
    bundle: TRUE_BUNDLE,
  },
  {
    name: 'the answer of a failed action raises no label',
    monitor: keepingLabel((input) => input.outcome === 'failed'),
    bundle: TRUE_BUNDLE,
  },
  { name: 'the label rises one action late', monitor: lateLabel, bundle: TRUE_BUNDLE },
  {
    name: 'the join forgets compartments',
    monitor: labelled((_, after) => ({ ...after, compartments: [] })),
    bundle: TRUE_BUNDLE,
  },
  {
    name: 'the last label read replaces what was read before',
    monitor: labelled((_before, _after, read) => read),
    bundle: TRUE_BUNDLE,
  },
  { name: 'a release lowers the session for good', monitor: loweringRelease, bundle: TRUE_BUNDLE },
  {
    name: 'a release does not look at its `from`',
    monitor: GENUINE,
    bundle: withClauses((clause) => (clause.kind === 'release' ? { ...clause, from: TOP } : clause)),
  },
  {
    name: 'a release does not look at its `type`',
    monitor: GENUINE,
    bundle: withClauses((clause) => (clause.kind === 'release' ? { ...clause, type: null } : clause)),
  },
  {
    name: 'a release by parameter releases the whole call',
    monitor: GENUINE,
    bundle: withClauses((clause) =>
      clause.kind === 'release' && clause.rule === 'declassify'
        ? { ...clause, parameter: null, type: null }
        : clause,
    ),
  },
  {
    name: 'the labels of a field and of the whole are swapped',
    monitor: GENUINE,
    bundle: withTools((rule) => {
      const [first] = Object.values(rule.fields);
      if (first === undefined || rule.returns === null) return rule;
      const fields = Object.fromEntries(
        Object.keys(rule.fields).map((pointer) => [pointer, rule.returns as Label]),
      );
      return { ...rule, returns: first, fields };
    }),
  },
  {
    name: 'what a store holds raises no label',
    monitor: GENUINE,
    bundle: ({ ir }) => {
      const stores = Object.entries(ir.stores).map(([name, store]) => [name, { ...store, label: BOTTOM }]);
      return load({ ...ir, stores: Object.fromEntries(stores) as CompiledBundle['stores'] });
    },
  },
  {
    name: 'a sender without a clearance may send anything',
    monitor: GENUINE,
    bundle: withTools((rule) =>
      rule.effect === 'read' ? rule : { ...rule, clearance: rule.clearance ?? TOP },
    ),
  },
  {
    name: 'a refused action moves the automata',
    monitor: refusalMovesHistory,
    bundle: TRUE_BUNDLE,
  },
  {
    name: 'untrusted results vouch for values',
    monitor: vouchingResults,
    bundle: TRUE_BUNDLE,
  },
  {
    name: 'taint is skipped',
    monitor: GENUINE,
    bundle: withTools((rule) => {
      const parameters = Object.entries(rule.parameters).map(([pointer, parameter]) => [
        pointer,
        { ...parameter, trusted: false, from: parameter.from && [...parameter.from, { kind: 'unknown' }] },
      ]);
      return { ...rule, parameters: Object.fromEntries(parameters) as ToolRule['parameters'] };
    }),
  },
  {
    name: 'what is hidden counts as a source of what the agent writes',
    monitor: indexingHidden,
    bundle: TRUE_BUNDLE,
  },
  { name: 'a handle does not carry the label of its value', monitor: unlabelledHandles, bundle: TRUE_BUNDLE },
  {
    name: 'anything of any type is taken out of a handle',
    monitor: GENUINE,
    bundle: ({ ir }) => {
      if (ir.handles === undefined) return load(ir);
      const types = ['amount', 'date', 'id'] as const;
      const extract = ir.handles.extract.map((rule) => ({ ...rule, field: null, types }));
      return load({ ...ir, handles: { ...ir.handles, extract } });
    },
  },
];

type OutcomeInput = Extract<Input, { kind: 'outcome' }>;

function withLabel(state: State, to: Label): State {
  return { ...state, flow: { ...state.flow, label: to } };
}

function targetOf(state: State, { certificate_id: certificate }: OutcomeInput): string | undefined {
  return (state.pending.get(certificate) ?? state.ambiguous.get(certificate))?.target;
}

/** After each outcome the session carries what `choose` says. */
function labelled(choose: (before: Label, after: Label, read: Label) => Label): Monitor {
  return (bundle, state, input) => {
    const { state: next, output } = step(bundle, state, input);
    if (output.kind !== 'settled' || output.result_digest === null) return { state: next, output };
    return { state: withLabel(next, choose(state.flow.label, next.flow.label, output.result_label)), output };
  };
}

function keepingLabel(when: (input: OutcomeInput, before: State) => boolean): Monitor {
  return (bundle, state, input) => {
    const { state: next, output } = step(bundle, state, input);
    if (input.kind !== 'outcome' || !when(input, state)) return { state: next, output };
    return { state: withLabel(next, state.flow.label), output };
  };
}

/** The intent after an outcome is decided as if nothing had come yet. */
function lateLabel(bundle: LoadedBundle, state: State, input: Input): Stepped {
  const owed = OWED.get(state);
  const { state: next, output } = step(bundle, state, input);
  const risen = owed === undefined ? next.flow.label : joinLabels(next.flow.label, owed);
  if (input.kind === 'outcome' && output.kind === 'settled') {
    const late = withLabel({ ...next }, state.flow.label);
    OWED.set(late, risen);
    return { state: late, output };
  }
  if (input.kind === 'intent' && next !== state) return { state: withLabel({ ...next }, risen), output };
  if (owed !== undefined && next !== state) OWED.set(next, owed);
  return { state: next, output };
}

const OWED = new WeakMap<State, Label>();

function loweringRelease(bundle: LoadedBundle, state: State, input: Input): Stepped {
  const { state: next, output } = step(bundle, state, input);
  if (output.kind !== 'decision' || output.effect !== 'allow') return { state: next, output };
  const used = bundle.releases.find(({ id, rule }) => rule === 'declassify' && output.releases.includes(id));
  return used === undefined
    ? { state: next, output }
    : { state: withLabel(next, { ...next.flow.label, level: used.to.level, compartments: [] }), output };
}

const LENIENT = new WeakMap<LoadedBundle, LoadedBundle>();

/** Moves the automata by what the same action would have moved had nothing refused it. */
function refusalMovesHistory(bundle: LoadedBundle, state: State, input: Input): Stepped {
  const { state: next, output } = step(bundle, state, input);
  if (output.kind !== 'decision' || output.effect === 'allow') return { state: next, output };
  let lenient = LENIENT.get(bundle);
  if (lenient === undefined) {
    lenient = withClauses((clause) => (clause.kind === 'permit' ? clause : { ...clause, mode: 'shadow' }))({
      ir: bundle.ir,
    });
    LENIENT.set(bundle, lenient);
  }
  const { trace } = step(lenient, state, input).state;
  return { state: { ...next, trace }, output };
}

/** What an allowed action will answer counts as trusted, whoever wrote it; the session's label does not hide it. */
function vouchingResults(bundle: LoadedBundle, state: State, input: Input): Stepped {
  // How a result is shown is on record beforehand, by the true labels.
  if (input.kind !== 'outcome' || bundle.ir.handles !== undefined) return step(bundle, state, input);
  const pending = new Map(
    [...state.pending].map(([certificate, each]) => [
      certificate,
      {
        ...each,
        label: trusted(each.label),
        patterns: each.patterns.map((pattern) => ({
          ...pattern,
          label: pattern.label && trusted(pattern.label),
        })),
      },
    ]),
  );
  return step(bundle, { ...state, pending }, input);
}

/** Refusals then tell what a hidden result holds. */
function indexingHidden(bundle: LoadedBundle, state: State, input: Input): Stepped {
  const { state: next, output } = step(bundle, state, input);
  if (input.kind !== 'outcome' || output.kind !== 'settled' || output.hidden === undefined)
    return { state: next, output };
  const pending = new Map(
    [...state.pending].map(([certificate, { clearance: _, ...shown }]) => [certificate, shown]),
  );
  const { handles: _, ...inTheClear } = input;
  const { provenance } = step(bundle, { ...state, pending }, inTheClear).state.flow;
  return { state: { ...next, flow: { ...next.flow, provenance } }, output };
}

function unlabelledHandles(bundle: LoadedBundle, state: State, input: Input): Stepped {
  const { state: next, output } = step(bundle, state, input);
  if (output.kind !== 'settled' || output.hidden === undefined) return { state: next, output };
  const { values } = next.handles;
  const all = new Map(
    [...values.all].map(([id, { at, value }]) => [id, { at, value: { ...value, label: BOTTOM } }]),
  );
  return { state: { ...next, handles: { ...next.handles, values: { ...values, all } } }, output };
}

function trusted(of: Label): Label {
  return { ...of, integrity: 'trusted' };
}

function withClauses(change: (clause: Clause) => Clause) {
  return ({ ir }: Pick<PooledBundle, 'ir'>): LoadedBundle => load({ ...ir, clauses: ir.clauses.map(change) });
}

function withTools(change: (rule: ToolRule) => ToolRule) {
  return ({ ir }: PooledBundle): LoadedBundle => {
    const tools = Object.entries(ir.tools).map(([name, rule]) => [name, change(rule)] as const);
    return load({ ...ir, tools: Object.fromEntries(tools) });
  };
}
