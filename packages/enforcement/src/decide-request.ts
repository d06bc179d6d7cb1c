import { digestJson, type JsonValue } from '@provability-fabric/kernel';
import type {
  Action,
  Capability,
  Decision,
  Environment,
  Input,
  IntentInput,
  Principal,
  SecretUse,
} from '@provability-fabric/policy';
import { EnforcementError } from './errors.ts';
import { type Carrying, carrying } from './handles/own-actions.ts';
import { inRecordOrder } from './in-record-order.ts';
import { fingerprint, NEVER_SENT, type PastAnswer } from './past-requests.ts';
import type { Clock, Surroundings } from './ports.ts';
import type { SearchedRequest } from './secrets/search.ts';
import { usesOf } from './secrets/uses-of.ts';
import type { Session, SessionTools } from './session.ts';
import { type ReservingTools, reserveUsage } from './usage/reserve-usage.ts';

export interface AuthorizeRequest {
  readonly principal: Principal;
  readonly capability: Capability | null;
  /** The `sid` of the host's token; null: the principal's running session, or a new one after `session.idle`. */
  readonly session: string | null;
  /** Unique per action within the session: a repeat gets the first answer. */
  readonly requestId: string;
  readonly action: Action;
  /** The epoch the caller believes in; null: the one in force. */
  readonly epoch: number | null;
  readonly attributes: JsonValue;
  /** What else of the message is sent on with the action: searched for secrets, and part of no decision. */
  readonly beside?: JsonValue;
}

export interface DecidingTools extends Pick<SessionTools, 'crypto'>, ReservingTools {
  readonly clock: Clock;
  readonly surroundings: Surroundings;
  /** What a session has on record about a certificate that is not in memory any more. */
  recall(session: Session, certificate: string): Promise<PastAnswer | undefined>;
}

export interface Decided {
  readonly past: PastAnswer;
  /** Absent where the request is the repeat of one that was decided before. */
  readonly decision?: Decision;
  readonly stepMs: number;
  readonly carries: Carrying;
  /** Present where secrets are used. */
  readonly uses?: readonly SecretUse[];
}

/** Decides a request in its session, to be called exclusively: what it answers is durable, and may not be told yet. */
export async function decideRequest(
  tools: DecidingTools,
  session: Session,
  request: SearchedRequest,
): Promise<Decided> {
  const { clock, surroundings, crypto } = tools;
  const { principal } = request;
  session.requireHeld();
  const at = clock.now();
  const input: IntentInput = {
    kind: 'intent',
    at,
    certificate_id: digestJson(crypto, [session.tenant, session.id, request.requestId]),
    principal,
    capability: request.capability,
    action: { ...request.action, args: inRecordOrder(request.action.args) },
    epoch: request.epoch ?? surroundings.epoch(principal.tenant),
    attributes: inRecordOrder(request.attributes),
    ...(request.exposed !== undefined && { exposed: request.exposed }),
  };
  const repeated = await repeatedAnswer(tools, session, input);
  if (repeated !== undefined)
    return { past: repeated, stepMs: 0, ...(await carriedBy(session, input, repeated)) };
  const reserved = await reserveUsage(tools, session, input);
  let decision: Decision | undefined;
  let stepMs = 0;
  try {
    const preparing = preparingInputs(surroundings, session, principal, at);
    const submitted = await session.submit([...preparing, reserved.input]);
    stepMs = submitted.stepMs;
    decision = submitted.outputs.at(-1) as Decision;
  } finally {
    await reserved.decided(decision);
  }
  const past = session.past.find(input.certificate_id);
  if (typeof past === 'string') throw new Error('expected an intent to be remembered once it is on record');
  return { past, decision, stepMs, ...(await carriedBy(session, input, past)) };
}

async function carriedBy(
  session: Session,
  input: IntentInput,
  past: PastAnswer,
): Promise<Pick<Decided, 'carries' | 'uses'>> {
  const uses = usesOf(session, input, past);
  const carries = await carrying(session, input, past);
  return uses === undefined ? { carries } : { carries, uses };
}

/** What has to be on record before the next intent: the opening, a change of mode, of epoch, what was never sent on. */
export function preparingInputs(
  surroundings: Surroundings,
  session: Session,
  principal: Principal,
  at: number,
): Input[] {
  const environment = surroundings.environment();
  const epoch = surroundings.epoch(principal.tenant);
  const { state, tenant, id } = session;
  if (state.opening === null)
    return [{ kind: 'open', at, tenant, session: id, principal: principal.id, environment, epoch }];
  const inputs: Input[] = [];
  for (const certificate of session.past.withheld)
    if (state.pending.has(certificate)) inputs.push(neverSent(certificate, at));
  if (!sameEnvironment(state.environment, environment)) inputs.push({ kind: 'mode', at, environment });
  if (epoch > state.epoch) inputs.push({ kind: 'epoch', at, epoch });
  return inputs;
}

/** The outcome of an action that was allowed on record and not in fact. */
export function neverSent(certificate_id: string, at: number): Input {
  return { kind: 'outcome', at, certificate_id, outcome: 'failed', result: null };
}

async function repeatedAnswer(
  tools: DecidingTools,
  session: Session,
  input: IntentInput,
): Promise<PastAnswer | undefined> {
  const { certificate_id: certificate } = input;
  const found = session.past.find(certificate);
  if (found === 'unknown') return undefined;
  const past = found === 'forgotten' ? await tools.recall(session, certificate) : found;
  if (past === undefined) return undefined;
  const args = digestJson(tools.crypto, input.action.args);
  if (past.fingerprint !== fingerprint(tools.crypto, input, args))
    throw conflict('was used before with other content; expected a new id for a new action');
  if (past.outcome === NEVER_SENT || session.past.withheld.has(certificate))
    throw conflict(
      'stands for an action that failed without being sent on; expected a new id for a new attempt',
    );
  return past;
}

function conflict(problem: string): EnforcementError {
  return new EnforcementError('REQUEST_CONFLICT', `this request id ${problem}`);
}

function sameEnvironment(a: Environment, b: Environment): boolean {
  return (
    a.enforcement_mode === b.enforcement_mode && a.default_mode === b.default_mode && a.overlay === b.overlay
  );
}
