import type { JsonValue } from '@provability-fabric/kernel';
import {
  formatHandle,
  forwardedArguments,
  HANDLE_BYTES,
  handleFacts,
  type IntentInput,
  mayHide,
  type OutcomeInput,
  ownAnswer,
  shownOutcome,
} from '@provability-fabric/policy';
import { EnforcementError } from '../errors.ts';
import type { PastAnswer } from '../past-requests.ts';
import type { Session } from '../session.ts';

/** What the caller needs of an allowed action beside the answer. */
export interface Carrying {
  /** What is to be sent on in the place of the arguments; absent where that is the arguments as they came. */
  readonly arguments?: JsonValue;
  /** The fabric's own answer, as the agent may see it: there is nothing to send on, and the outcome is on record. */
  readonly answer?: { readonly outcome: 'done' | 'failed'; readonly result: JsonValue };
  /** The agent may not see all of its result. */
  readonly hides?: true;
}

/** An outcome with the handles that it needs. */
export function withHandles(session: Session, input: Omit<OutcomeInput, 'handles'>): OutcomeInput {
  const { bundle, random } = session.tools;
  const facts = handleFacts(bundle, session.state, input, () => formatHandle(random.bytes(HANDLE_BYTES)));
  return facts === undefined ? input : { ...input, handles: facts };
}

/** To be called exclusively, of an action that is allowed: the same again for each repeat of its request. */
export async function carrying(session: Session, input: IntentInput, past: PastAnswer): Promise<Carrying> {
  const { bundle } = session.tools;
  if (past.answer.effect !== 'allow' || bundle.ir.handles === undefined) {
    if (past.forwarded !== undefined) throw forgotten();
    return {};
  }
  const { certificate_id } = input;
  const own = ownAnswer(bundle, session.state, input);
  if (own !== undefined) return { answer: await settledAnswer(session, input, own) };
  const sent = forwardedArguments(bundle, session.state, input.action, past.forwarded);
  if (sent === undefined) throw forgotten();
  return {
    ...(past.forwarded === undefined ? {} : { arguments: sent }),
    ...(mayHide(session.state, certificate_id) ? { hides: true } : {}),
  };
}

async function settledAnswer(
  session: Session,
  { certificate_id, at }: IntentInput,
  { outcome, result }: NonNullable<ReturnType<typeof ownAnswer>>,
): Promise<NonNullable<Carrying['answer']>> {
  const { pending, ambiguous } = session.state;
  // Ambiguous after a crash between the decision and this.
  if (pending.has(certificate_id) || ambiguous.has(certificate_id)) {
    const settled = withHandles(session, { kind: 'outcome', at, certificate_id, outcome, result });
    const [output] = (await session.submit([settled])).outputs;
    if (output?.kind === 'refused')
      throw new Error(`expected the fabric's own answer to be taken: ${output.problem}`);
  }
  return { outcome, result: shownOutcome(session.state, certificate_id, result) ?? result };
}

function forgotten(): EnforcementError {
  const problem =
    'stands for arguments with handles that another bundle has forgotten; ask anew with a new id';
  return new EnforcementError('REQUEST_CONFLICT', `this request id ${problem}`);
}
