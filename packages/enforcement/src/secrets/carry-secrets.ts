import type { JsonValue } from '@provability-fabric/kernel';
import { type SecretUse, withTexts } from '@provability-fabric/policy';
import type { ConfirmingTools } from '../confirm-answer.ts';
import { neverSent } from '../decide-request.ts';
import { NEVER_SENT, type PastAnswer } from '../past-requests.ts';
import type { Session } from '../session.ts';
import type { SecretBroker } from './ports.ts';

export interface CarryingTools extends Pick<ConfirmingTools, 'clock' | 'observer' | 'within'> {
  readonly broker: SecretBroker | undefined;
}

/** An action that is allowed on record, and the answer to which may be given but for its secrets. */
export interface UsingAction {
  readonly past: PastAnswer;
  readonly uses: readonly SecretUse[];
  /** Whether this is the request that it was decided for, and not a repeat. */
  readonly isFirst: boolean;
  readonly tool: string;
  readonly principal: string;
  /** With handles resolved. */
  readonly args: JsonValue;
}

/**
 * The arguments with the values in their places; undefined where they could not be had, and then it is on record that
 * nothing was sent. They are for whoever sends them on, and kept nowhere.
 */
export async function withSecrets(
  tools: CarryingTools,
  session: Session,
  action: UsingAction,
): Promise<JsonValue | undefined> {
  const { past, isFirst } = action;
  const { certificateId } = past.answer;
  let sent: JsonValue;
  try {
    sent = await resolvedArguments(tools.broker, session, action);
  } catch (cause) {
    tools.observer.unavailable({ tenant: session.tenant, session: session.id, cause });
    if (isFirst) await giveUp(tools, session, past);
    return undefined;
  }
  // While this waited, the first request may have given up: what is on record as never sent is not.
  if (past.outcome === NEVER_SENT || session.past.withheld.has(certificateId)) return undefined;
  past.carried = true;
  return sent;
}

async function resolvedArguments(
  broker: SecretBroker | undefined,
  { tenant, id: session }: Session,
  { past, uses, tool, principal, args }: UsingAction,
): Promise<JsonValue> {
  if (broker === undefined) throw new Error('expected a source of secrets; none is configured');
  const { certificateId } = past.answer;
  const values = new Map<string, Promise<string>>();
  const resolvedOnce = (name: string, field: string | null): Promise<string> => {
    const key = JSON.stringify([name, field]);
    const value =
      values.get(key) ?? broker.resolve({ tenant, name, field, tool, principal, session, certificateId });
    values.set(key, value);
    return value;
  };
  const texts = await Promise.all(
    uses.map(async ({ path, parts }) => {
      const written = await Promise.all(
        parts.map((part) => (typeof part === 'string' ? part : resolvedOnce(part.name, part.field))),
      );
      return { path, text: written.join('') };
    }),
  );
  return withTexts(args, texts);
}

/** Puts on record that an action which was allowed was not sent; unless a repeat of it has been. */
async function giveUp({ clock, within }: CarryingTools, session: Session, past: PastAnswer): Promise<void> {
  const { certificateId } = past.answer;
  if (past.carried === true || past.outcome !== undefined) return;
  session.past.withheld.add(certificateId);
  await within(session, async () => {
    if (session.state.pending.has(certificateId))
      await session.submit([neverSent(certificateId, clock.now())]);
  }).catch(() => undefined); // told to the observer, and tried again before the session's next action
}
