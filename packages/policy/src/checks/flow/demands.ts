import {
  canonicalJson,
  type JsonObject,
  type JsonValue,
  joinLabels,
  type Label,
} from '@provability-fabric/kernel';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { ReasonCode } from '../../output.ts';
import type { Event } from '../check.ts';
import type { Scalar } from './arguments.ts';
import type { Knowledge } from './parameters.ts';
import { inPrompt } from './prompt-words.ts';
import { ofAnotherTenant, originsOf } from './provenance.ts';
import type { ParameterRule, Source } from './rules.ts';
import type { Origin } from './source-index.ts';
import { type Suspects, suspectsOf } from './suspects.ts';

/** A demand of a parameter that a value does not meet. */
export interface Demand {
  readonly code: ReasonCode;
  readonly witness: JsonObject;
  /** What the value carries: the join over its sources, the session's label where one is not known. */
  readonly label: Label;
  readonly mayBeEndorsed: boolean;
}

/**
 * Trust needs an exact whole value. Where several sources are possible the worst one counts: a value that an untrusted
 * result also holds, in whatever form, is that result's, unless the bundle endorses a source that it has as well.
 */
export function* unmetDemand(
  bundle: LoadedBundle,
  known: Knowledge,
  event: Event,
  rule: ParameterRule,
  value: Scalar,
): Generator<Demand> {
  const traced = new Traced(bundle, known, value);
  const endorsed = rule.endorse.some((source) => traced.has(source));
  if (!endorsed && rule.from !== null) yield* sourceDemand(traced, rule.from);
  if (!endorsed && rule.trusted) yield* trustDemand(traced);
  if (rule.same_tenant) yield* tenantDemand(traced, event.intent.principal.tenant);
  if (rule.member_of !== null && !traced.isMemberOf(rule.member_of)) {
    const { tool, field } = rule.member_of;
    yield {
      code: 'UNTRUSTED_ARGUMENT',
      witness: { demand: 'member_of', wanted: [`result of ${tool} at ${field}`] },
      label: known.label,
      mayBeEndorsed: false,
    };
  }
}

function* sourceDemand(traced: Traced, from: readonly Source[]): Generator<Demand> {
  const accepted = from.filter((source) => traced.has(source));
  const suspects = traced.suspects(
    (origin) =>
      origin.label.integrity === 'untrusted' && !from.some((source) => accepts(traced, source, origin)),
  );
  const exact = accepted.length > 0;
  if (exact && suspects.whole.size === 0) return;
  if (!exact && from.some(({ kind }) => kind === 'unknown') && suspects.part.size === 0) return;
  yield {
    code: 'UNTRUSTED_ARGUMENT',
    witness: {
      accepted_sources: accepted.map(describe),
      untrusted_results: toolsOf(exact ? suspects.whole : suspects.part),
      wanted: from.map(describe),
    },
    label: traced.labelWith(exact ? suspects : undefined),
    mayBeEndorsed: true,
  };
}

function* trustDemand(traced: Traced): Generator<Demand> {
  const vouched = traced.isVouchedFor(({ label }) => label.integrity === 'trusted');
  if (!vouched && traced.session.integrity === 'trusted') return;
  const suspects = traced.suspects(({ label }) => label.integrity === 'untrusted');
  if (vouched && suspects.whole.size === 0) return;
  yield {
    code: 'UNTRUSTED_ARGUMENT',
    witness: { demand: 'trusted', untrusted_results: toolsOf(vouched ? suspects.whole : suspects.part) },
    label: traced.labelWith(vouched ? suspects : undefined),
    mayBeEndorsed: true,
  };
}

function* tenantDemand(traced: Traced, tenant: string): Generator<Demand> {
  const foreign = (label: Label) => ofAnotherTenant(label.compartments, tenant);
  const vouched = traced.isVouchedFor(({ label }) => !foreign(label));
  if (!vouched && !foreign(traced.session)) return;
  const suspects = traced.suspects(({ label }) => foreign(label));
  if (vouched && suspects.whole.size === 0) return;
  yield {
    code: 'CROSS_TENANT',
    witness: { demand: 'same_tenant', results: toolsOf(vouched ? suspects.whole : suspects.part) },
    label: traced.session,
    mayBeEndorsed: false,
  };
}

/** One value and where it may come from, each found once and only when asked for. */
class Traced {
  readonly #bundle: LoadedBundle;
  readonly #known: Knowledge;
  readonly #value: Scalar;
  readonly #origins: readonly Origin[];

  constructor(bundle: LoadedBundle, known: Knowledge, value: Scalar) {
    this.#bundle = bundle;
    this.#known = known;
    this.#value = value;
    this.#origins = originsOf(known.provenance, value);
  }

  get session(): Label {
    return this.#known.label;
  }

  has(source: Source): boolean {
    switch (source.kind) {
      case 'prompt':
        return inPrompt(this.#known.provenance.prompts, this.#value);
      case 'constant':
        return this.#bundle.constants.get(source.set)?.has(canonicalJson(this.#value)) ?? false;
      case 'result':
        return this.#origins.some((origin) => accepts(this, source, origin));
      case 'unknown':
        return false; // no place to find it at: it is what is left when nothing else is
    }
  }

  placeOf(tool: string, field: string): number {
    return this.#bundle.places.get(tool)?.get(field) ?? 0;
  }

  isMemberOf({ tool, field }: { readonly tool: string; readonly field: string }): boolean {
    const place = this.placeOf(tool, field);
    return this.#origins.some(
      (origin) =>
        origin.tool === tool && (origin.places & place) !== 0 && origin.label.integrity === 'trusted',
    );
  }

  /** Whether the prompt, the bundle or a result that is good holds exactly this value. */
  isVouchedFor(good: (origin: Origin) => boolean): boolean {
    if (inPrompt(this.#known.provenance.prompts, this.#value) || this.#origins.some(good)) return true;
    const text = canonicalJson(this.#value);
    for (const values of this.#bundle.constants.values()) if (values.has(text)) return true;
    return false;
  }

  suspects(counts: (origin: Origin) => boolean): Suspects {
    return suspectsOf(this.#known.provenance, this.#value, counts);
  }

  labelWith(suspects: Suspects | undefined): Label {
    if (suspects === undefined) return this.session;
    const labels = [...this.#origins, ...suspects.whole].map(({ label }) => label);
    return labels.reduce(joinLabels, labels[0] ?? this.session);
  }
}

function accepts(traced: Traced, source: Source, { tool, places }: Origin): boolean {
  if (source.kind !== 'result' || source.tool !== tool) return false;
  return source.field === null || (places & traced.placeOf(tool, source.field)) !== 0;
}

function toolsOf(origins: ReadonlySet<Origin>): readonly string[] {
  return [...new Set([...origins].map(({ tool }) => tool))].sort();
}

function describe(source: Source): JsonValue {
  switch (source.kind) {
    case 'prompt':
      return 'prompt';
    case 'constant':
      return `constant ${source.set}`;
    case 'result':
      return `result of ${source.tool}${source.field === null ? '' : ` at ${source.field}`}`;
    case 'unknown':
      return 'unknown';
  }
}
