import {
  canonicalJson,
  type Digest,
  digestJson,
  formatLabel,
  type JsonValue,
} from '@provability-fabric/kernel';
import type { Environment, Input } from '../input.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { Decision, Reason } from '../output.ts';
import { initialState, type State, stateDigest } from '../state.ts';
import { step } from '../step.ts';
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
}

export const ENFORCED: Environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null };

/** Runs a recorded session through `step`; outcomes are given only to what was allowed, as live. */
export function* replayTrace(
  bundle: LoadedBundle,
  trace: Trace,
  environment: Environment = ENFORCED,
): Generator<ReplayedEvent> {
  const { session, principal } = trace;
  const start = trace.events[0];
  const at = start?.at ?? 0;
  const epoch = start?.epoch ?? 1;
  let state: State = initialState(bundle);
  const feed = (input: Input) => {
    const stepped = step(bundle, state, input);
    state = stepped.state;
    return stepped.output;
  };
  feed({ kind: 'open', at, tenant: principal.tenant, session, principal: principal.id, environment, epoch });
  if (trace.prompt !== null) feed({ kind: 'prompt', at, text: trace.prompt });
  for (const [index, event] of trace.events.entries()) {
    if (event.epoch > state.epoch) feed({ kind: 'epoch', at: event.at, epoch: event.epoch });
    const certificate = digestJson(bundle.crypto, [session, index]);
    const before = stateDigest(bundle, state);
    const { action } = event;
    const output = feed({
      kind: 'intent',
      at: event.at,
      certificate_id: certificate,
      principal,
      capability: null,
      action,
      epoch: event.epoch,
      attributes: {},
    });
    const decision = output as Decision;
    if (decision.effect === 'allow') {
      feed({
        kind: 'outcome',
        at: event.at,
        certificate_id: certificate,
        outcome: event.outcome,
        result: event.result,
      });
    }
    const { verdict, effect, mode, checks, reasons } = decision;
    const label = formatLabel(state.flow.label);
    const digests = { before, after: stateDigest(bundle, state) };
    yield {
      session,
      index,
      target: action.target,
      verdict,
      effect,
      mode,
      checks,
      reasons,
      label,
      state: digests,
    };
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
