import { canonicalJson, type Digest, type Label } from '@provability-fabric/kernel';
import type { Pending } from '../checks/check.ts';
import { forTenant } from '../checks/flow/labels.ts';
import type { OutcomeInput, Principal } from '../input.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { HiddenOutcome } from '../output.ts';
import { extracted } from './extraction.ts';
import { type HandlesState, hideResult, type Origin, withheldOnce } from './handles-state.ts';

/** The most that an agent sees of results; undefined where the bundle hides nothing. */
export function clearanceOf(
  { ir: { handles } }: LoadedBundle,
  { roles, tenant }: Pick<Principal, 'roles' | 'tenant'>,
): Label | undefined {
  if (handles === undefined) return undefined;
  const own = handles.roles.find((each) => each.roles.some((role) => roles.includes(role)));
  return forTenant((own ?? handles).clearance, tenant);
}

/** How the result of an allowed action is to be shown; undefined where the agent sees all results. */
export function originOf(pending: Pending, outcome: OutcomeInput['outcome']): Origin | undefined {
  const { clearance, label, patterns, text, target: tool } = pending;
  return clearance && { clearance, label, patterns, text, tool, outcome };
}

export type HidingRuling =
  /** The agent sees all of it. */
  | { readonly kind: 'shown' }
  | { readonly kind: 'hidden'; readonly next: HandlesState; readonly hidden: HiddenOutcome }
  /** `next`: where the outcome has happened all the same. */
  | { readonly kind: 'refused'; readonly problem: string; readonly next: HandlesState };

export function hideOutcome(
  bundle: LoadedBundle,
  state: HandlesState,
  pending: Pending,
  input: OutcomeInput,
  digest: Digest | null,
): HidingRuling {
  const { certificate_id, outcome, result, handles: facts } = input;
  const problem = extractionProblem(bundle, state, pending, input);
  const origin = originOf(pending, outcome);
  const refuse = (why: string): HidingRuling => {
    // Only what was hidden then: what the agent has seen it may see again.
    const isHidden = origin !== undefined && result !== null && facts !== undefined;
    const next = isHidden ? withheldOnce(state, certificate_id, origin) : state;
    return { kind: 'refused', problem: why, next };
  };
  if (problem !== undefined) return refuse(problem);
  if (origin === undefined || digest === null) {
    if (facts === undefined) return { kind: 'shown' };
    return refuse('expected no handles for a result that is shown');
  }
  const ruling = hideResult(bundle.crypto, state, certificate_id, { result, digest }, origin, facts);
  if (ruling === undefined) return { kind: 'shown' };
  if ('problem' in ruling) return refuse(ruling.problem);
  const { next, label, handles } = ruling;
  // The facts have been held against what is shown.
  const shown_digest = facts?.shown as Digest;
  return { kind: 'hidden', next, hidden: { handles, label, shown_digest } };
}

/** What the fabric answers itself follows from the state: no record may say anything else. */
function extractionProblem(
  bundle: LoadedBundle,
  state: HandlesState,
  { extraction }: Pending,
  { outcome, result }: OutcomeInput,
): string | undefined {
  if (extraction === undefined) return undefined;
  // A restart between the two: nothing was answered.
  if (outcome !== 'done' && result === null) return undefined;
  const answer = extracted(bundle, state, extraction);
  const agrees = answer.outcome === outcome && canonicalJson(answer.result) === canonicalJson(result);
  return agrees ? undefined : 'expected what the handle and the form give';
}
