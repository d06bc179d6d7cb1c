import { type Crypto, canonicalJson, type JsonValue, type Label } from '@provability-fabric/kernel';
import type { Scalar } from '../checks/flow/arguments.ts';
import { encodingOf } from '../checks/flow/decodings.ts';
import { inPrompt } from '../checks/flow/prompt-words.ts';
import { NO_PROVENANCE, originsOf, type Provenance, taints } from '../checks/flow/provenance.ts';
import { SourceIndex } from '../checks/flow/source-index.ts';
import { suspectsOf } from '../checks/flow/suspects.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import { type Leaf, leavesOf, type PastResult } from './past-results.ts';

/** Where a value may have come from. Several are possible; nobody knows what an agent thinks. */
export type ValueSource =
  | { readonly kind: 'prompt' }
  | { readonly kind: 'constant'; readonly set: string }
  | ResultValue
  /** Too long to be traced, or of results that found no room: any of these tools. */
  | { readonly kind: 'untraced'; readonly tools: readonly string[] }
  /** Nobody of these: the agent's own words, or nobody knows whose. */
  | { readonly kind: 'unknown' };

interface ResultValue {
  readonly kind: 'result';
  readonly place: number;
  readonly tool: string;
  /** From the payload of that result. */
  readonly field: string;
  readonly label: Label;
  /** `exact`: what trust can rest on. The others taint alone. */
  readonly match: 'exact' | 'whole' | 'part';
  /** In words. */
  readonly how: string;
}

const STRENGTH = { exact: 0, whole: 1, part: 2 } as const;

/** Of one value: those that say most. */
const MAX_SOURCES = 16;
/** So many origins an index tells apart. */
const CHUNK = 256;

/** Traces values as the flow check does, by its own functions, and finds the very place. */
export class ValueTracer {
  readonly #bundle: LoadedBundle;
  readonly #provenance: Provenance;
  readonly #past: readonly PastResult[];
  readonly #indexed = new Map<PastResult, readonly Chunk[]>();

  constructor(bundle: LoadedBundle, provenance: Provenance, past: readonly PastResult[]) {
    this.#bundle = bundle;
    this.#provenance = provenance;
    this.#past = past;
  }

  sourcesOf(value: Scalar): readonly ValueSource[] {
    const found: ValueSource[] = [];
    if (inPrompt(this.#provenance.prompts, value)) found.push({ kind: 'prompt' });
    const text = canonicalJson(value as JsonValue);
    for (const [set, values] of this.#bundle.constants)
      if (values.has(text)) found.push({ kind: 'constant', set });
    found.push(...this.#results(value));
    return found.length === 0 ? [{ kind: 'unknown' }] : found;
  }

  #results(value: Scalar): readonly ValueSource[] {
    const suspects = suspectsOf(this.#provenance, value, () => true);
    const tools = new Set([...originsOf(this.#provenance, value), ...suspects.part].map(({ tool }) => tool));
    const found: ResultValue[] = [];
    for (const past of this.#past) {
      if (!tools.has(past.tool)) continue;
      for (const chunk of this.#chunksOf(past)) {
        for (const source of sourcesIn(this.#bundle.crypto, past, chunk, value)) {
          found.push(source);
        }
      }
    }
    if (found.length === 0 && tools.size > 0) return [{ kind: 'untraced', tools: [...tools].sort() }];
    return found.sort((a, b) => STRENGTH[a.match] - STRENGTH[b.match]).slice(0, MAX_SOURCES);
  }

  #chunksOf(past: PastResult): readonly Chunk[] {
    let chunks = this.#indexed.get(past);
    if (chunks === undefined) {
      const leaves = leavesOf(past);
      chunks = Array.from({ length: Math.ceil(leaves.length / CHUNK) }, (_, at) =>
        chunkOf(this.#bundle.crypto, past, leaves.slice(at * CHUNK, (at + 1) * CHUNK)),
      );
      this.#indexed.set(past, chunks);
    }
    return chunks;
  }
}

/** Some leaves of a result, each an origin of its own: its number stands where an origin has its places. */
interface Chunk {
  readonly leaves: readonly Leaf[];
  readonly provenance: Provenance;
}

const AS_IT_STANDS = Number.POSITIVE_INFINITY;

function chunkOf(crypto: Crypto, past: PastResult, leaves: readonly Leaf[], depth = 0): Chunk {
  const index = new SourceIndex(crypto);
  for (const [number, { value, label, isName }] of leaves.entries()) {
    const segment = index.open({ tool: past.tool, label, places: number });
    if (segment === undefined) break;
    if (past.vouches && !isName) index.addValue(value, segment);
    if (value === null || typeof value === 'boolean' || !taints(label, past.tenant)) continue;
    index.addText(typeof value === 'string' ? value : canonicalJson(value), segment, depth);
  }
  return { leaves, provenance: { ...NO_PROVENANCE, index, segments: index.length } };
}

function sourcesIn(crypto: Crypto, past: PastResult, chunk: Chunk, value: Scalar): readonly ResultValue[] {
  const { leaves, provenance } = chunk;
  const found = new Map<number, ResultValue>();
  const source = (number: number, match: 'exact' | 'whole' | 'part', how: string): ResultValue => {
    const { pointer, label } = leaves[number] as Leaf;
    return { kind: 'result', place: past.place, tool: past.tool, field: pointer, label, match, how };
  };
  for (const { places } of originsOf(provenance, value))
    found.set(places, source(places, 'exact', 'exactly'));
  const told = new Map<number, { readonly words: string; readonly isWhole: boolean }>();
  const counts = () => true;
  const { whole, part } = suspectsOf(provenance, value, counts, ({ places }, how, isWhole, by) => {
    const earlier = told.get(places);
    if (earlier === undefined || (isWhole && !earlier.isWhole))
      told.set(places, { words: wordsFor(how, isWhole, by), isWhole });
  });
  for (const { places } of part) {
    if (found.has(places)) continue;
    const match = [...whole].some((origin) => origin.places === places) ? 'whole' : 'part';
    const leaf = leaves[places] as Leaf;
    const plain = suspectsOf(chunkOf(crypto, past, [leaf], AS_IT_STANDS).provenance, value, counts);
    const words = told.get(places)?.words ?? 'in some form';
    const isVerbatim = typeof leaf.value === 'string' && leaf.value.includes(String(value));
    const how = isVerbatim && words === LOOSELY ? 'inside its text' : words;
    found.set(places, source(places, match, plain.part.size > 0 ? how : `${how}, encoded in the result`));
  }
  return [...found].sort(([a], [b]) => a - b).map(([, one]) => one);
}

const LOOSELY = 'inside its text, spacing and case aside';

function wordsFor(how: 'text' | 'number' | 'date', whole: boolean, by: readonly string[]): string {
  const encodings = by.slice(1).map((text, at) => encodingOf(by[at] as string, text) ?? 'an encoding');
  const form = how === 'text' ? (whole ? LOOSELY : 'in part') : `as a ${how}`;
  if (encodings.length === 0) return form;
  return how === 'text' && whole ? `as ${encodings.join(' in ')}` : `${form}, as ${encodings.join(' in ')}`;
}
