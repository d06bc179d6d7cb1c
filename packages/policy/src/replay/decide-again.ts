import { digestJson } from '@provability-fabric/kernel';
import { ticketOf } from '../checks/holds/ticket.ts';
import { CountedUsage } from '../counted-usage.ts';
import { underHandles } from '../handles/played-outcome.ts';
import type { Input, IntentInput } from '../input.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { Decision } from '../output.ts';
import { initialState, type State } from '../state.ts';
import { step } from '../step.ts';
import type { PlayedInput } from './played-session.ts';

/** One input that was decided again. */
export interface DecidedInput {
  readonly one: PlayedInput;
  readonly before: State;
  readonly after: State;
  /** Of an intent; null for all else. */
  readonly decision: Decision | null;
}

export interface Beginning {
  /** Of a new session where it is absent. */
  readonly state?: State;
  /** What was taken of shared limits before. */
  readonly usage?: CountedUsage;
}

/** Runs a session's inputs through `step`, with the facts that it asks for. */
export function* decideAgain(
  bundle: LoadedBundle,
  inputs: Iterable<PlayedInput>,
  { state: before = initialState(bundle), usage = new CountedUsage() }: Beginning = {},
): Generator<DecidedInput> {
  let state = before;
  for (const one of inputs) {
    const input = aimed(bundle, state, one);
    const counted = input.kind === 'intent' ? usage.asked(bundle, state, input) : undefined;
    const { state: after, output } = step(
      bundle,
      state,
      counted?.intent ?? underHandles(bundle, state, input),
    );
    const decision = output.kind === 'decision' ? output : null;
    if (decision !== null) counted?.decided(decision);
    yield { one, before: state, after, decision };
    state = after;
  }
}

/** An approval with the ticket that the call has under this bundle. */
function aimed(bundle: LoadedBundle, state: State, { input, approves }: PlayedInput): Input {
  if (input.kind !== 'approval' || approves === undefined || state.opening === null) return input;
  const argsDigest = digestJson(bundle.crypto, approves.action.args);
  const place = { tenant: state.opening.tenant, session: state.opening.session, epoch: state.epoch };
  return { ...input, ticket: ticketOf(bundle, place, { intent: approves }, argsDigest) };
}

export function isIntent(one: PlayedInput): one is PlayedInput & { readonly input: IntentInput } {
  return one.input.kind === 'intent';
}
