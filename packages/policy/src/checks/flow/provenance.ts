import {
  BOTTOM,
  type Crypto,
  canonicalJson,
  type Digest,
  digestJson,
  flowsTo,
  type JsonValue,
  joinLabels,
  type Label,
} from '@provability-fabric/kernel';
import { type AppendLog, append, emptyLog } from '../../append-log.ts';
import type { Scalar } from './arguments.ts';
import { type ResultPattern, visitResult } from './result-parts.ts';
import { type Origin, SourceIndex } from './source-index.ts';

/** Everything a later argument's value can be traced to. `chain` digests it all, in order. */
export interface Provenance {
  readonly prompts: AppendLog<string>;
  readonly results: AppendLog<{ readonly tool: string; readonly label: Label }>;
  readonly index: SourceIndex | null;
  /** How much of `index` this state has seen. */
  readonly segments: number;
  /** The join of what found no room in `index`: it may be the source of any value, and vouches for none. */
  readonly beyond: Label | null;
  readonly chain: Digest | null;
}

export const NO_PROVENANCE: Provenance = {
  prompts: emptyLog(),
  results: emptyLog(),
  index: null,
  segments: 0,
  beyond: null,
  chain: null,
};

export function addPrompt(crypto: Crypto, provenance: Provenance, text: string): Provenance {
  return {
    ...provenance,
    prompts: append(provenance.prompts, text),
    chain: digestJson(crypto, [provenance.chain, 'prompt', text]),
  };
}

interface ResultSource {
  readonly tool: string;
  readonly tenant: string;
  /** What the result carries where no pattern says less. */
  readonly label: Label;
  readonly patterns: readonly ResultPattern[];
  readonly text: 'json' | 'yaml';
  readonly result: JsonValue;
  readonly digest: Digest;
  /** Whether its whole values count as values of the tool. */
  readonly vouches: boolean;
  /** What carries more is not seen, and so is no source of anything that the agent writes; null: all of it is. */
  readonly seenUpTo: Label | null;
}

/** `seen`: the join of the labels of all that stands in the result. */
export function addResult(
  crypto: Crypto,
  provenance: Provenance,
  source: ResultSource,
): { readonly provenance: Provenance; readonly seen: Label } {
  const { tool, label: whole, patterns, text, result, digest, vouches } = source;
  const index = indexFor(crypto, provenance);
  const reading = new Reading(index, source);
  visitResult(result, whole, patterns, reading, text);
  // A result without any value still says something: that there is none.
  const seen = reading.seen ?? (source.seenUpTo === null ? whole : BOTTOM);
  const { left } = reading;
  const next = {
    ...provenance,
    results: append(provenance.results, { tool, label: seen }),
    index,
    segments: index.length,
    beyond: left === null ? provenance.beyond : joinLabels(provenance.beyond ?? BOTTOM, left),
    chain: digestJson(crypto, [
      provenance.chain,
      'result',
      tool,
      seen as unknown as JsonValue,
      digest,
      vouches,
    ]),
  };
  return { provenance: next, seen };
}

/** The shared index if this state is the newest that it knows; else what this state has seen of it. */
function indexFor(crypto: Crypto, { index, segments }: Provenance): SourceIndex {
  if (index === null) return new SourceIndex(crypto);
  return index.length === segments ? index : index.upTo(segments);
}

/** Whether a label can count against a value: what is trusted and of this tenant taints nothing. */
export function taints({ integrity, compartments }: Label, tenant: string): boolean {
  return integrity === 'untrusted' || ofAnotherTenant(compartments, tenant);
}

export function ofAnotherTenant(compartments: readonly string[], tenant: string): boolean {
  return compartments.some((name) => name.startsWith('tenant:') && name !== `tenant:${tenant}`);
}

/** One result on its way into the index. */
class Reading {
  seen: Label | null = null;
  /** The join of what found no room. */
  left: Label | null = null;
  readonly #index: SourceIndex;
  readonly #source: ResultSource;
  readonly #segments = new Map<Label, Map<number, number | undefined>>();

  constructor(index: SourceIndex, source: ResultSource) {
    this.#index = index;
    this.#source = source;
  }

  value(value: Scalar, label: Label, places: number): void {
    if (!this.#isSeen(label)) return;
    const segment = this.#segmentOf(label, places);
    if (segment === undefined) return;
    if (this.#source.vouches && !this.#index.addValue(value, segment)) this.#leave(label);
    if (typeof value === 'string') this.#text(value, label, segment);
    else if (value !== null && typeof value !== 'boolean') this.#text(canonicalJson(value), label, segment);
  }

  /** The name of a member taints like any text; it is no value that could be vouched for. */
  key(key: string, label: Label): void {
    if (!this.#isSeen(label)) return;
    const segment = this.#segmentOf(label, 0);
    if (segment !== undefined) this.#text(key, label, segment);
  }

  empty(label: Label): void {
    if (this.#isSeen(label)) this.seen = this.seen === null ? label : joinLabels(this.seen, label);
  }

  #isSeen(label: Label): boolean {
    const { seenUpTo } = this.#source;
    return seenUpTo === null || flowsTo(label, seenUpTo);
  }

  #text(text: string, label: Label, segment: number): void {
    if (!taints(label, this.#source.tenant)) return;
    if (!this.#index.addText(text, segment)) this.#leave(label);
  }

  #segmentOf(label: Label, places: number): number | undefined {
    let byPlaces = this.#segments.get(label);
    if (byPlaces === undefined) {
      byPlaces = new Map();
      this.#segments.set(label, byPlaces);
      this.seen = this.seen === null ? label : joinLabels(this.seen, label);
    }
    if (!byPlaces.has(places)) {
      byPlaces.set(places, this.#index.open({ tool: this.#source.tool, label, places }));
    }
    const segment = byPlaces.get(places);
    if (segment === undefined) this.#leave(label);
    return segment;
  }

  #leave(label: Label): void {
    this.left = this.left === null ? label : joinLabels(this.left, label);
  }
}

/** The origins that held exactly this value, whole: what trust can rest on. */
export function originsOf({ index, segments }: Provenance, value: Scalar): readonly Origin[] {
  return index === null ? [] : index.withValue(value, segments);
}
