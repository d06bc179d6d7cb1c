import { type Crypto, digestJson, type JsonValue } from '@provability-fabric/kernel';
import { type Decision, type IntentInput, keepsCharge } from '@provability-fabric/policy';
import { EnforcementError } from '../errors.ts';
import type { Observer } from '../ports.ts';
import type { Session } from '../session.ts';
import type { Usage } from './ports.ts';

export interface ReservingTools {
  readonly crypto: Crypto;
  /** Absent where nothing counts beyond a session; then what asks for it is refused. */
  readonly usage?: Usage;
  readonly observer: Pick<Observer, 'unavailable'>;
}

interface Reserved {
  /** The intent with what others had taken as facts on record. */
  readonly input: IntentInput;
  /** Gives back what the decision did not let it take; undefined: there was no decision. */
  decided(decision: Decision | undefined): Promise<void>;
}

/**
 * Takes an intent's share of all limits that many sessions count for, before it is decided: two that come at once then see
 * each other, whichever is first. A crash in between leaves the share counted, until its window has passed.
 */
export async function reserveUsage(
  { crypto, usage, observer }: ReservingTools,
  session: Session,
  input: IntentInput,
): Promise<Reserved> {
  const charges = session.sharedCharges(input);
  if (charges.length === 0) return { input, decided: () => Promise.resolve() };
  const { tenant, id } = session;
  const at = Math.max(session.state.time, input.at);
  try {
    if (usage === undefined) throw new Error('no place to count what sessions share');
    const { used, release } = await usage.reserve({
      tenant,
      // With its content: one id may come to two fabrics with two contents, of which the lesser must not replace the other.
      certificateId: digestJson(crypto, [input.certificate_id, input.action as unknown as JsonValue]),
      at,
      charges,
    });
    const facts = charges.map(({ clause }, index) => ({ clause, used: used[index] as number }));
    return {
      input: { ...input, usage: facts },
      async decided(decision) {
        // Its next owner may have decided this very request by now, and then this reservation stands for that one.
        if (decision === undefined && !session.held) return;
        const given = charges.filter(
          ({ clause }) => decision === undefined || !keepsCharge(decision, clause),
        );
        if (given.length === 0) return;
        // What cannot be given back stays counted: stricter than it need be, and never looser.
        await release(given.map(({ clause }) => clause)).catch(() => undefined);
      },
    };
  } catch (cause) {
    const problem = 'what others have taken of its limits cannot be told now, so nothing was done';
    const error = new EnforcementError('USAGE_UNAVAILABLE', problem, { cause });
    observer.unavailable({ tenant, session: id, cause: error });
    throw error;
  }
}
