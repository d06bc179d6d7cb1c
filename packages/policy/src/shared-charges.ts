import { chargesOf, type SharedCharge } from './checks/limits/shared.ts';
import type { IntentInput } from './input.ts';
import type { LoadedBundle } from './load-bundle.ts';
import type { State } from './state.ts';
import { eventOf } from './step.ts';

const NONE: readonly SharedCharge[] = [];

/**
 * What an intent would take from limits that more sessions than its own count for. Whoever asks `step` reserves these
 * first, all in one, and says in the intent what others had taken by then.
 */
export function sharedCharges(
  bundle: LoadedBundle,
  state: State,
  intent: IntentInput,
): readonly SharedCharge[] {
  if (bundle.sharedLimits.length === 0) return NONE;
  return chargesOf(bundle, eventOf(bundle, state, intent, Math.max(state.time, intent.at)));
}
