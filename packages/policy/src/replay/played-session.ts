import { type Crypto, digestJson } from '@provability-fabric/kernel';
import type { CertifiedReason, Effect } from '@provability-fabric/statements';
import type { Environment, Input, IntentInput } from '../input.ts';
import type { Trace } from './trace-file.ts';

/** A session's inputs in their order, to be decided again: of a trace file, or as they are on record. */
export interface PlayedSession {
  readonly tenant: string;
  readonly session: string;
  /** Whether nothing in it ought to be stopped; null where nobody says. */
  readonly benign: boolean | null;
  readonly inputs: readonly PlayedInput[];
}

/** What a certificate says that an action got. */
export interface RecordedAnswer {
  readonly effect: Effect;
  readonly reasons: readonly CertifiedReason[];
}

export interface PlayedInput {
  readonly input: Input;
  /** By which an event is named: the index in a trace, or the `seq` on record. */
  readonly place: number;
  /** What an intent on record got; absent where nothing was decided before. */
  readonly recorded?: RecordedAnswer;
  /** Of an approval: the call that it is for, since each bundle gives a call a ticket of its own. */
  readonly approves?: IntentInput;
}

/** A trace as inputs. `step` refuses the outcome of what was not let through, so that blocking undoes it. */
export function playedTrace(crypto: Crypto, trace: Trace, environment: Environment): PlayedSession {
  const { session, principal, prompt, events } = trace;
  const [start] = events;
  const at = start?.at ?? 0;
  let epoch = start?.epoch ?? 1;
  const { tenant, id } = principal;
  const inputs: PlayedInput[] = [
    { place: 0, input: { kind: 'open', at, tenant, session, principal: id, environment, epoch } },
  ];
  if (prompt !== null) inputs.push({ place: 0, input: { kind: 'prompt', at, text: prompt } });
  for (const [place, event] of events.entries()) {
    if (event.epoch > epoch) {
      epoch = event.epoch;
      inputs.push({ place, input: { kind: 'epoch', at: event.at, epoch } });
    }
    const certificate = digestJson(crypto, [session, place]);
    const intent = intentOf(trace, event, certificate);
    for (const approver of event.approved_by ?? []) {
      const input = { kind: 'approval', at: event.at, ticket: '', approver, decision: 'approve' } as const;
      inputs.push({ place, input, approves: intent });
    }
    inputs.push({ place, input: intent });
    const { outcome, result } = event;
    const settled = { at: event.at, certificate_id: certificate, outcome, result };
    inputs.push({ place, input: { kind: 'outcome', ...settled } });
  }
  return { tenant, session, benign: trace.benign ?? null, inputs };
}

function intentOf({ principal }: Trace, event: Trace['events'][number], certificate: string): IntentInput {
  const { at, action, epoch } = event;
  return {
    kind: 'intent',
    at,
    certificate_id: certificate,
    principal,
    capability: null,
    action,
    epoch,
    attributes: {},
  };
}

/** The session as it would be in another environment, from its opening to its end. */
export function underEnvironment(session: PlayedSession, environment: Environment): PlayedSession {
  const inputs = session.inputs.map((played) => {
    const { input } = played;
    return input.kind === 'open' || input.kind === 'mode'
      ? { ...played, input: { ...input, environment } }
      : played;
  });
  return { ...session, inputs };
}
