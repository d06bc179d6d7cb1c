import { digestJson, type JsonValue } from '@provability-fabric/kernel';
import { type OutcomeInput, shownOutcome } from '@provability-fabric/policy';
import type { OutcomeKind } from '@provability-fabric/statements';
import type { DecidingTools } from './decide-request.ts';
import { EnforcementError } from './errors.ts';
import { withHandles } from './handles/own-actions.ts';
import { inRecordOrder } from './in-record-order.ts';
import { outcomeKey } from './past-requests.ts';
import type { Session } from './session.ts';

/** What the agent may see of a result: all of it, or this in its place. */
export interface Shown {
  readonly instead?: JsonValue;
}

export interface Settled {
  /** False where the very same report was on record already. */
  readonly isNew: boolean;
  readonly shown: Shown;
}

export interface OutcomeReport {
  /** null: the host reports, who answers for all agents of the tenant. */
  readonly principal: string | null;
  readonly certificateId: string;
  readonly outcome: OutcomeKind;
  readonly result: JsonValue;
  /** What was found in the result that is not in it any more. */
  readonly exposed?: OutcomeInput['exposed'];
}

/**
 * Puts on record what came of an allowed action, to be called exclusively. Throws OUTCOME_REFUSED where no action of the
 * session waits for it.
 */
export async function settleOutcome(
  { crypto, clock, recall }: Pick<DecidingTools, 'crypto' | 'clock' | 'recall'>,
  session: Session,
  { principal, certificateId, outcome, result: reported, exposed }: OutcomeReport,
): Promise<Settled> {
  const result = inRecordOrder(reported);
  const key = () => outcomeKey(outcome, result === null ? null : digestJson(crypto, result));
  session.requireHeld();
  if (principal !== null && session.state.opening?.principal !== principal) throw noSuchAction(certificateId);
  const shown = (): Shown => {
    const instead = shownOutcome(session.state, certificateId, result);
    if (instead !== undefined) return { instead };
    return exposed === undefined ? {} : { instead: result };
  };
  const recorded = session.past.outcome(certificateId);
  // Only where there is an outcome already: a large result is costly to digest, and `step` does so anyway.
  if (recorded !== undefined && recorded === key()) return { isNew: false, shown: shown() };
  const happened = {
    kind: 'outcome',
    at: clock.now(),
    certificate_id: certificateId,
    outcome,
    result,
    ...(exposed !== undefined && { exposed }),
  } as const;
  const [settled] = (await session.submit([withHandles(session, happened)])).outputs;
  if (settled?.kind === 'settled') return { isNew: true, shown: shown() };
  if (recorded !== undefined || session.past.find(certificateId) !== 'forgotten')
    throw noSuchAction(certificateId);
  const earlier = await recall(session, certificateId);
  if (earlier?.outcome === key()) return { isNew: false, shown: shown() };
  throw noSuchAction(certificateId);
}

export function noSuchAction(certificate: string): EnforcementError {
  const problem = `expected the certificate of an allowed action without an outcome, came \`${certificate.slice(0, 64)}\``;
  return new EnforcementError('OUTCOME_REFUSED', problem);
}
