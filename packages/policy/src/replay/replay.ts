import {
  canonicalJson,
  type Digest,
  digestJson,
  formatLabel,
  type JsonValue,
} from '@provability-fabric/kernel';
import { CountedUsage } from '../counted-usage.ts';
import type { Environment, IntentInput } from '../input.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { Decision, Reason } from '../output.ts';
import { type State, stateDigest } from '../state.ts';
import { decideAgain } from './decide-again.ts';
import { type PlayedInput, type PlayedSession, playedTrace, type RecordedAnswer } from './played-session.ts';
import type { Trace } from './trace-file.ts';

/** What one event got. Printed canonically, so two runs print the same bytes on any machine. */
export interface ReplayedEvent {
  readonly session: string;
  readonly index: number;
  readonly target: string;
  readonly verdict: string;
  readonly effect: string;
  readonly mode: string;
  readonly checks: readonly { readonly check: string; readonly verdict: string }[];
  readonly reasons: readonly Reason[];
  readonly label: string;
  readonly state: { readonly before: Digest; readonly after: Digest };
  /** Of what is on record: whose it was, and what it got then. */
  readonly recorded?: RecordedAnswer & { readonly tenant: string; readonly certificate_id: string };
}

export const ENFORCED: Environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null };

/** Runs a trace through `step`; outcomes are given only to what was allowed, as live. */
export function replayTrace(
  bundle: LoadedBundle,
  trace: Trace,
  environment: Environment = ENFORCED,
): Generator<ReplayedEvent> {
  return replaySession(bundle, playedTrace(bundle.crypto, trace, environment));
}

/** Decides a session again from its opening on. An event ends with the outcomes that follow it at once. */
export function* replaySession(
  bundle: LoadedBundle,
  played: PlayedSession,
  usage = new CountedUsage(),
): Generator<ReplayedEvent> {
  const digests = new StateDigests(bundle);
  let open: Asked | undefined;
  for (const { one, before, after, decision } of decideAgain(bundle, played.inputs, { usage })) {
    const { input } = one;
    if (open !== undefined && input.kind === 'outcome') open.after = after;
    else if (open !== undefined) {
      yield replayed(played, open, digests);
      open = undefined;
    }
    if (decision !== null && input.kind === 'intent')
      open = { one, intent: input, decision, before: digests.of(before), after };
  }
  if (open !== undefined) yield replayed(played, open, digests);
}

interface Asked {
  readonly one: PlayedInput;
  readonly intent: IntentInput;
  readonly decision: Decision;
  readonly before: Digest;
  /** It and its outcome. */
  after: State;
}

function replayed(
  { session, tenant }: PlayedSession,
  { one, intent, decision, before, after }: Asked,
  digests: StateDigests,
): ReplayedEvent {
  const { verdict, effect, mode, checks, reasons } = decision;
  const { certificate_id } = intent;
  return {
    session,
    index: one.place,
    target: intent.action.target,
    verdict,
    effect,
    mode,
    checks,
    reasons,
    label: formatLabel(after.flow.label),
    state: { before, after: digests.of(after) },
    ...(one.recorded === undefined ? {} : { recorded: { tenant, certificate_id, ...one.recorded } }),
  };
}

/** Where one event ends the next one mostly begins, and what was blocked moved nothing. */
class StateDigests {
  readonly #bundle: LoadedBundle;
  #state: State | undefined;
  #digest: Digest | undefined;

  constructor(bundle: LoadedBundle) {
    this.#bundle = bundle;
  }

  of(state: State): Digest {
    if (this.#digest === undefined || this.#state !== state) {
      this.#state = state;
      this.#digest = stateDigest(this.#bundle, state);
    }
    return this.#digest;
  }
}

/** One digest over everything replayed so far. */
export function chainDigest(bundle: LoadedBundle, chain: Digest | null, event: ReplayedEvent): Digest {
  return digestJson(bundle.crypto, [chain, event as unknown as JsonValue]);
}

/** Whether two bundles answered an event differently, as an operator would see it: effect, verdict and reasons. */
export function answersDiffer(a: ReplayedEvent, b: ReplayedEvent): boolean {
  const essence = ({ verdict, effect, reasons }: ReplayedEvent) =>
    canonicalJson([verdict, effect, reasons.map(({ code, clause, mode }) => [code, clause, mode])]);
  return essence(a) !== essence(b);
}
