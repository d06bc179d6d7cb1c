import {
  type Crypto,
  type Digest,
  digestJson,
  type JsonValue,
  joinLabels,
  type Label,
} from '@provability-fabric/kernel';
import type { ResultPattern } from '../checks/flow/result-parts.ts';
import { emptyMap, extended, found, type GrowingMap } from './growing-map.ts';
import { isHandle } from './handle-text.ts';
import { type HeldValue, sizeOf } from './held-value.ts';
import { type Concealed, conceal, type Hiding } from './shown-result.ts';
import { withheldResult } from './withheld-result.ts';

/** The random ids that the enforcer made for a result, and the digest of what the agent got of it. */
export interface HandleFacts {
  readonly ids: readonly string[];
  readonly shown: Digest;
}

/** How one result was shown. */
interface ShownOnce {
  readonly hiding: Hiding;
  /** null: there was no room, so all of it was withheld. */
  readonly ids: readonly string[] | null;
}

/** What the session's handles stand for. */
export interface HandlesState {
  readonly values: GrowingMap<HeldValue>;
  /** By certificate. */
  readonly results: GrowingMap<ShownOnce>;
  readonly bytes: number;
  /** How often something was asked to be taken out of each. */
  readonly attempts: ReadonlyMap<string, number>;
  /** Digests all that was ever hidden, in order. */
  readonly chain: Digest | null;
}

export const NO_HANDLES: HandlesState = {
  values: emptyMap(),
  results: emptyMap(),
  bytes: 0,
  attempts: new Map(),
  chain: null,
};

export const MAX_HANDLES = 4_096;
export const MAX_VALUE_BYTES = 2 * 1024 * 1024;
const MAX_HELD_BYTES = 32 * 1024 * 1024;

export function heldValue({ values }: HandlesState, id: string): HeldValue | undefined {
  return found(values, id);
}

export function describeHandles({ chain, attempts, bytes }: HandlesState): JsonValue {
  return [chain, bytes, [...attempts].map(([id, count]) => [id, count])];
}

/** What decides how an outcome is shown: of the intent, and whose result it is. */
export interface Origin extends Hiding {
  readonly tool: string;
  readonly patterns: readonly ResultPattern[];
}

/** What has to be on record about a result; undefined where the agent sees all of it. `newId` gives a fresh handle. */
export function factsFor(
  crypto: Crypto,
  state: HandlesState,
  result: JsonValue,
  origin: Origin,
  newId: () => string,
): HandleFacts | undefined {
  const concealed = conceal(result, origin);
  if (concealed === undefined) return undefined;
  const ids = hasRoom(state, concealed) ? concealed.parts.map(newId) : [];
  return { ids, shown: digestJson(crypto, shownWith(concealed, result, ids)) };
}

export interface HiddenResult {
  readonly next: HandlesState;
  /** What the agent gets. */
  readonly shown: JsonValue;
  /** The join of what it does not. */
  readonly label: Label;
  readonly handles: number;
}

/**
 * Takes up a result of which something is hidden. `problem` where the facts are not those of this result: made by another
 * bundle, or by nobody who knows the result.
 */
export function hideResult(
  crypto: Crypto,
  state: HandlesState,
  certificate: string,
  { result, digest }: { readonly result: JsonValue; readonly digest: Digest },
  origin: Origin,
  facts: HandleFacts | undefined,
): HiddenResult | { readonly problem: string } | undefined {
  const concealed = conceal(result, origin);
  if (concealed === undefined) {
    return facts === undefined ? undefined : { problem: 'expected no handles for a result that is shown' };
  }
  if (facts === undefined)
    return { problem: 'expected handles for what the agent may not see of the result' };
  const { ids } = facts;
  const room = hasRoom(state, concealed);
  const wanted = room ? concealed.parts.length : 0;
  if (ids.length !== wanted)
    return { problem: `expected ${wanted} handles for the result, came ${ids.length}` };
  if (new Set(ids).size !== ids.length || !ids.every((id) => isHandle(id) && !heldValue(state, id)))
    return { problem: 'expected handles that are new to the session, each once' };
  const shown = shownWith(concealed, result, ids);
  if (digestJson(crypto, shown) !== facts.shown)
    return { problem: 'expected the digest of what is shown of the result, came another' };
  const { outcome, tool, text } = origin;
  const values = concealed.parts.map(
    (part): HeldValue => ({ ...part, tool, vouches: outcome === 'done', text }),
  );
  const label = concealed.parts.map((part) => part.label).reduce(joinLabels);
  const next: HandlesState = {
    values: room
      ? extended(
          state.values,
          values.map((value, index) => [ids[index] as string, value]),
        )
      : state.values,
    // A later outcome of the same action is shown in its own way.
    results: withResult(state.results, certificate, { hiding: hidingOf(origin), ids: room ? ids : null }),
    bytes: room ? state.bytes + bytesOf(concealed) : state.bytes,
    attempts: state.attempts,
    chain: digestJson(crypto, [
      state.chain,
      certificate,
      digest,
      facts as unknown as JsonValue,
      values.map((value) => value.label) as unknown as JsonValue,
    ]),
  };
  return { next, shown, label, handles: ids.length };
}

/** What the agent got of a result; undefined where that was all of it. The same again, however often it is asked for. */
export function shownAgain(
  state: HandlesState,
  certificate: string,
  result: JsonValue,
): JsonValue | undefined {
  const { hiding, ids } = resultOf(state.results, certificate) ?? {};
  if (hiding === undefined || ids === undefined) return undefined;
  const concealed = conceal(result, hiding);
  return concealed && shownWith(concealed, result, ids ?? []);
}

/** What was hidden under another bundle, in handles that are forgotten: no repeat may show what the first did not. */
export function withheldOnce(state: HandlesState, certificate: string, origin: Origin): HandlesState {
  const shown = { hiding: hidingOf(origin), ids: null };
  return { ...state, results: withResult(state.results, certificate, shown) };
}

function hidingOf({ label, patterns, text, clearance, outcome }: Origin): Hiding {
  return { label, patterns, text, clearance, outcome };
}

function hasRoom({ values, bytes }: HandlesState, concealed: Concealed): boolean {
  if (values.size + concealed.parts.length > MAX_HANDLES) return false;
  const sizes = concealed.parts.map(({ value }) => sizeOf(value));
  return (
    sizes.every((size) => size <= MAX_VALUE_BYTES) &&
    bytes + sizes.reduce((sum, size) => sum + size, 0) <= MAX_HELD_BYTES
  );
}

function bytesOf({ parts }: Concealed): number {
  return parts.reduce((sum, { value }) => sum + sizeOf(value), 0);
}

function shownWith(concealed: Concealed, result: JsonValue, ids: readonly string[]): JsonValue {
  return ids.length === 0 ? withheldResult(result) : concealed.show(ids);
}

/** An action may have two outcomes: an ambiguous one, and the one that resolves it. */
function withResult(
  results: GrowingMap<ShownOnce>,
  certificate: string,
  shown: ShownOnce,
): GrowingMap<ShownOnce> {
  const key = found(results, certificate) === undefined ? certificate : `${certificate} again`;
  return extended(results, [[key, shown]]);
}

function resultOf(results: GrowingMap<ShownOnce>, certificate: string): ShownOnce | undefined {
  return found(results, `${certificate} again`) ?? found(results, certificate);
}
