import type { Label } from '@provability-fabric/kernel';
import type { FlowClause, StoreRule } from '../../compiled-bundle.ts';
import type { HeldValue } from '../../handles/held-value.ts';
import { handlesAround } from '../../handles/used-handles.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event, Finding } from '../check.ts';
import { againstClause } from '../findings.ts';
import { isWholeReference } from '../secrets/reference.ts';
import { argumentAt, type Scalar } from './arguments.ts';
import { type Demand, unmetDemand } from './demands.ts';
import { unmetByHidden } from './hidden-demands.ts';
import { placeOf } from './paths.ts';
import type { Provenance } from './provenance.ts';
import { endorsement } from './releases.ts';
import type { ParameterRule } from './rules.ts';

/** What a session knows when an argument is held against its rule. */
export interface Knowledge {
  readonly label: Label;
  readonly provenance: Provenance;
}

/** Of one argument: each value is traced, so their number is bounded. */
const MAX_VALUES = 1_000;

/** Holds every argument of the event against the rule of its parameter; `releases` takes the clauses that helped. */
export function* parameterFindings(
  bundle: LoadedBundle,
  clause: FlowClause,
  known: Knowledge,
  event: Event,
  releases: Set<string>,
): Generator<Finding> {
  for (const [pointer, rule] of Object.entries(event.tool?.parameters ?? {})) {
    const hidden = handlesAround(event.used, pointer);
    const handles = [...hidden.above, ...hidden.within];
    for (const { held } of handles) yield* hiddenFindings(bundle, clause, event, pointer, held, releases);
    const argument = argumentAt(event.intent.action.args, pointer);
    if (argument.otherShape && hidden.above.length === 0) {
      yield againstClause(clause, 'NOT_PERMITTED', { parameter: pointer, problem: 'has another shape' });
      continue;
    }
    const found = argument.values.filter((value) => !hidden.within.some(({ id }) => id === value));
    // Models write null for an optional argument that they leave out; there is no value to come from anywhere.
    const values = new Set(rule.optional ? found.filter((value) => value !== null) : found);
    if (values.size === 0 && handles.length === 0 && !rule.optional) {
      yield againstClause(clause, 'NOT_PERMITTED', { parameter: pointer, problem: 'is absent' });
    }
    if (values.size > MAX_VALUES) {
      yield againstClause(clause, 'NOT_PERMITTED', { parameter: pointer, problem: 'has too many values' });
      continue;
    }
    for (const value of values) {
      if (rule.stores !== null) yield* pathFinding(bundle, clause, rule.stores, event, pointer, value);
      // The bundle's own word: where no rule permits it, the call is refused for that.
      if (bundle.ir.secrets !== undefined && isWholeReference(value)) continue;
      for (const demand of unmetDemand(bundle, known, event, rule, value)) {
        const released = demand.mayBeEndorsed
          ? endorsement(bundle, event, pointer, demand.label, clause.mode === 'enforce')
          : undefined;
        if (released === undefined) yield unmet(clause, pointer, value, demand);
        else releases.add(released);
      }
    }
  }
}

/** A hidden value is no text that could be held against anything; where it came from is known exactly. */
function* hiddenFindings(
  bundle: LoadedBundle,
  clause: FlowClause,
  event: Event,
  parameter: string,
  held: HeldValue,
  releases: Set<string>,
): Generator<Finding> {
  const rule = event.tool?.parameters[parameter] as ParameterRule;
  for (const demand of unmetByHidden(bundle, event, rule, held)) {
    const released = demand.mayBeEndorsed
      ? endorsement(bundle, event, parameter, demand.label, clause.mode === 'enforce')
      : undefined;
    if (released === undefined) yield againstClause(clause, demand.code, { parameter, ...demand.witness });
    else releases.add(released);
  }
}

function unmet(clause: FlowClause, parameter: string, value: Scalar, demand: Demand): Finding {
  return againstClause(clause, demand.code, { parameter, value, ...demand.witness });
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
