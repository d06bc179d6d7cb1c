import { type Digest, digestJson } from '@provability-fabric/kernel';
import type { Effect } from '@provability-fabric/statements';
import type { Event, Finding } from '../checks/check.ts';
import { absolute } from '../checks/findings.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { Decision } from '../output.ts';
import type { State } from '../state.ts';
import { askedExtraction, hasAttempts, isExtraction, MAX_ATTEMPTS } from './extraction.ts';
import type { HandlesState } from './handles-state.ts';
import { handlesAround, handlesIn, resolved } from './used-handles.ts';

/** What no mode weakens: a handle that is none of this session, or that stands where none can be judged. */
export function* handleFindings(bundle: LoadedBundle, state: HandlesState, event: Event): Generator<Finding> {
  const { action } = event.intent;
  const { used, invalid } = handlesIn(state, action.args);
  for (const path of invalid)
    yield absolute('HANDLE_INVALID', { at: path, problem: 'is no handle of this session' });
  // Documents have no clearance that a hidden value could be held against.
  if (action.kind === 'read') {
    for (const { path } of used)
      yield absolute('HANDLE_INVALID', { at: path, problem: 'stands in a question for a document' });
    return;
  }
  for (const [pointer, rule] of Object.entries(event.tool?.parameters ?? {})) {
    if (rule.stores === null) continue;
    const { above, within } = handlesAround(used, pointer);
    for (const { path } of [...above, ...within])
      yield absolute('HANDLE_INVALID', { at: path, problem: 'stands in the place of a path' });
  }
  if (!isExtraction(bundle, event)) return;
  const asked = askedExtraction(bundle, event);
  if ('finding' in asked) yield asked.finding;
  else if (!hasAttempts(state, asked.extraction))
    yield absolute('LIMIT_EXCEEDED', { attempts: MAX_ATTEMPTS });
}

/** Of the arguments that are sent on; absent where they are the agent's own. */
export function forwardedDigest(
  bundle: LoadedBundle,
  state: State,
  event: Event,
  argsDigest: Digest,
  effect: Effect,
): Pick<Decision, 'forwarded_digest'> {
  if (event.used === undefined || effect !== 'allow' || isExtraction(bundle, event)) return {};
  const digest = digestJson(bundle.crypto, resolved(state.handles, event.intent.action.args));
  return digest === argsDigest ? {} : { forwarded_digest: digest };
}
