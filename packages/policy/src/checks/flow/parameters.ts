import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import type { FlowClause, ParameterRule, Source, StoreRule } from '../../compiled-bundle.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event, Finding } from '../check.ts';
import { againstClause } from '../findings.ts';
import { type Scalar, scalarsAt } from './arguments.ts';
import { placeOf } from './paths.ts';
import { inPrompt, type Provenance, resultsWith } from './provenance.ts';

/** Holds every argument of the event against the rule of its parameter. */
export function* parameterFindings(
  bundle: LoadedBundle,
  clause: FlowClause,
  provenance: Provenance,
  event: Event,
): Generator<Finding> {
  for (const [pointer, rule] of Object.entries(event.tool?.parameters ?? {})) {
    const values = scalarsAt(event.intent.action.args, pointer);
    if (values.length === 0 && !rule.optional) {
      yield againstClause(clause, 'NOT_PERMITTED', { parameter: pointer, problem: 'is absent' });
    }
    for (const value of values) {
      if (rule.stores !== null) yield* pathFinding(bundle, clause, rule.stores, event, pointer, value);
      if (rule.from !== null) yield* sourceFinding(bundle, clause, rule, provenance, pointer, value);
    }
  }
}

function* pathFinding(
  bundle: LoadedBundle,
  clause: FlowClause,
  names: readonly string[],
  event: Event,
  parameter: string,
  value: Scalar,
): Generator<Finding> {
  if (typeof value !== 'string') {
    yield againstClause(clause, 'NOT_PERMITTED', { parameter, problem: 'is not a path' });
    return;
  }
  const stores = names.map((name) => [name, bundle.ir.stores[name] as StoreRule] as const);
  const place = placeOf(value, stores, event.intent.principal.tenant);
  if (place.kind === 'other_tenant') {
    yield againstClause(clause, 'CROSS_TENANT', { parameter, value, store: place.store });
  } else if (place.kind === 'outside') {
    yield againstClause(clause, 'NOT_PERMITTED', { parameter, value, problem: place.why, stores: names });
  }
}

/**
 * Trust needs an exact whole value. Where several sources are possible the worst one counts: a value that an untrusted
 * result also holds is that result's, unless the bundle endorses a source that it has as well.
 */
function* sourceFinding(
  bundle: LoadedBundle,
  clause: FlowClause,
  rule: ParameterRule,
  provenance: Provenance,
  parameter: string,
  value: Scalar,
): Generator<Finding> {
  const has = (source: Source) => hasSource(bundle, provenance, source, value);
  if (rule.endorse.some(has)) return;
  const from = rule.from ?? [];
  const accepted = from.filter(has);
  const tainted = [...resultsWith(provenance, value)].filter(
    ({ tool, label }) =>
      label.integrity === 'untrusted' &&
      !from.some((source) => source.kind === 'result' && source.tool === tool),
  );
  if (accepted.length > 0 && tainted.length === 0) return;
  yield againstClause(clause, 'UNTRUSTED_ARGUMENT', {
    parameter,
    value,
    accepted_sources: accepted.map(describe),
    untrusted_results: tainted.map(({ tool }) => tool),
    wanted: from.map(describe),
  });
}

function hasSource(bundle: LoadedBundle, provenance: Provenance, source: Source, value: Scalar): boolean {
  switch (source.kind) {
    case 'prompt':
      return inPrompt(provenance, value);
    case 'constant':
      return bundle.constants.get(source.set)?.has(canonicalJson(value)) ?? false;
    case 'result':
      for (const result of resultsWith(provenance, value))
        if (result.whole && result.tool === source.tool) return true;
      return false;
  }
}

function describe(source: Source): JsonValue {
  if (source.kind === 'prompt') return 'prompt';
  return source.kind === 'constant' ? `constant ${source.set}` : `result of ${source.tool}`;
}
