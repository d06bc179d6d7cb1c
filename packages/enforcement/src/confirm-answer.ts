import { neverSent } from './decide-request.ts';
import type { LedgerGate } from './ledger-gate.ts';
import type { PastAnswer } from './past-requests.ts';
import type { Clock, Observer } from './ports.ts';
import type { Session } from './session.ts';

export interface ConfirmingTools {
  readonly gate: LedgerGate;
  readonly clock: Clock;
  readonly observer: Pick<Observer, 'unavailable'>;
  /** Runs work in the session when its turn comes. */
  within<T>(session: Session, work: () => Promise<T>): Promise<T>;
}

/**
 * Resolves once the answer may be given. Where it may not, an action that is allowed on record was not in fact: that goes
 * on record too, and no repeat of the request is answered `allow`.
 */
export async function confirmAnswer(
  tools: ConfirmingTools,
  session: Session,
  past: PastAnswer,
): Promise<void> {
  if (tools.gate.answersWait) await session.answering(inLedger(tools, session, past));
  past.given = true;
}

async function inLedger(tools: ConfirmingTools, session: Session, past: PastAnswer): Promise<void> {
  past.confirmed ??= tools.gate.reached(past.index);
  try {
    await past.confirmed;
    // The ledger keeps apart what was decided under a lease that had been lost by then.
    session.requireHeld();
  } catch (cause) {
    past.confirmed = undefined;
    tools.observer.unavailable({ tenant: session.tenant, session: session.id, cause });
    await withhold(tools, session, past);
    throw cause;
  }
}

async function withhold(
  { clock, within }: ConfirmingTools,
  session: Session,
  { answer, given, outcome }: PastAnswer,
): Promise<void> {
  if (answer.effect !== 'allow' || given || outcome !== undefined) return;
  const { certificateId } = answer;
  session.past.withheld.add(certificateId);
  await within(session, async () => {
    if (!session.state.pending.has(certificateId)) return; // a repeat that shared the wait came first
    await session.submit([neverSent(certificateId, clock.now())]);
  }).catch(() => undefined); // told to the observer, and tried again before the session's next action
}

/** For what is on record and lets nothing happen yet: waits where answers wait. */
export async function confirmRecorded(
  { gate, observer }: Pick<ConfirmingTools, 'gate' | 'observer'>,
  { tenant, id, lastIndex }: Session,
): Promise<void> {
  if (!gate.answersWait) return;
  try {
    await gate.reached(lastIndex);
  } catch (cause) {
    observer.unavailable({ tenant, session: id, cause });
    throw cause;
  }
}
