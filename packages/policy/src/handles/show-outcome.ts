import { type Digest, digestJson, flowsTo, type JsonValue } from '@provability-fabric/kernel';
import type { Action, IntentInput, OutcomeInput } from '../input.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { State } from '../state.ts';
import { askedExtraction, type Extracted, extracted, isExtraction } from './extraction.ts';
import { factsFor, type HandleFacts, shownAgain } from './handles-state.ts';
import { originOf } from './on-outcome.ts';
import { EXTRACT_TOOL } from './rules.ts';
import { handlesIn, resolved } from './used-handles.ts';

// What whoever feeds `step` asks of it beforehand, and of its state afterwards.

/** What has to go on record with an outcome; undefined where the agent sees all of it. `newId` gives a fresh handle. */
export function handleFacts(
  { crypto }: LoadedBundle,
  state: State,
  { certificate_id, outcome, result }: Pick<OutcomeInput, 'certificate_id' | 'outcome' | 'result'>,
  newId: () => string,
): HandleFacts | undefined {
  const pending = state.pending.get(certificate_id) ?? state.ambiguous.get(certificate_id);
  const origin = pending && originOf(pending, outcome);
  if (origin === undefined || result === null) return undefined;
  return factsFor(crypto, state.handles, result, origin, newId);
}

/** What the agent gets of a result that is on record; undefined where that is all of it. */
export function shownOutcome(state: State, certificate: string, result: JsonValue): JsonValue | undefined {
  return shownAgain(state.handles, certificate, result);
}

/** Whether the result of an allowed action may be hidden: then nothing else may tell of it either. */
export function mayHide(state: State, certificate: string): boolean {
  const { clearance, label } = state.pending.get(certificate) ?? state.ambiguous.get(certificate) ?? {};
  return clearance !== undefined && label !== undefined && !flowsTo(label, clearance);
}

/**
 * The arguments that are sent on: with the digest that the decision named, and undefined where they cannot be had any
 * more. Only for actions that were allowed.
 */
export function forwardedArguments(
  { crypto, ir }: LoadedBundle,
  { handles }: State,
  { kind, target, args }: Action,
  certified: Digest | undefined,
): JsonValue | undefined {
  if (certified === undefined) return args;
  if (ir.handles === undefined || kind === 'read' || target === EXTRACT_TOOL) return undefined;
  if (handlesIn(handles, args).invalid.length > 0) return undefined;
  const sent = resolved(handles, args);
  return digestJson(crypto, sent) === certified ? sent : undefined;
}

/** What the fabric itself answers to an action that was allowed; undefined where that is a tool's to do. */
export function ownAnswer(
  bundle: LoadedBundle,
  { handles }: State,
  intent: IntentInput,
): Extracted | undefined {
  if (!isExtraction(bundle, { intent })) return undefined;
  const { used } = handlesIn(handles, intent.action.args);
  const asked = askedExtraction(bundle, { intent, used });
  return 'extraction' in asked ? extracted(bundle, handles, asked.extraction) : undefined;
}
