import {
  type Crypto,
  type Digest,
  digestJson,
  field,
  fromBase64,
  type JsonValue,
  MAX_JSON_DEPTH,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  type Input,
  type IntentInput,
  type LoadedBundle,
  parseInput,
  parseInstant,
  type RecordedInput,
  refold,
  type State,
  stateDigest,
} from '@provability-fabric/policy';
import {
  decodeStatement,
  inputOf,
  type OutcomeKind,
  parseInputRecord,
  type Statement,
} from '@provability-fabric/statements';
import { EnforcementError } from './errors.ts';
import type { Journal, SessionHead, StoredStatement } from './ports.ts';

/** What was answered to a request, so that its repeat gets the same answer. */
export interface PastAnswer {
  /** Over everything that a repeat must have in common with the first. */
  readonly fingerprint: Digest;
  readonly answer: Answer;
}

/** The answer to an intent, as far as the agent may know it. */
export interface Answer {
  readonly certificateId: string;
  readonly effect: 'allow' | 'hold' | 'block';
  readonly verdict: string;
  /** Why it was refused; null where it was allowed. */
  readonly refusal: { readonly code: string; readonly clause: string | null } | null;
}

export interface LoadedSession {
  readonly state: State;
  readonly seq: number;
  readonly digest: Digest | null;
  readonly answers: Map<string, PastAnswer>;
  /** The last outcome of each certificate, by `outcomeKey`. */
  readonly outcomes: Map<string, string>;
  /** Last bundle that the journal knows of for this session; differs from the one in force after a deployment. */
  readonly bundle: Digest | null;
  /** The state that the last certificate names. */
  readonly certified: Digest;
  /** `issued_at` of the last statement, in ms. */
  readonly issuedAt: number;
}

/** Brings a session back from its recorded inputs (CONTRACTS §4), and holds the result against its last certificate. */
export async function loadSession(
  crypto: Crypto,
  bundle: LoadedBundle,
  journal: Journal,
  head: SessionHead,
): Promise<LoadedSession> {
  const history: RecordedInput[] = [];
  const answers = new Map<string, PastAnswer>();
  const outcomes = new Map<string, string>();
  let known: Digest | null = null;
  let certified: Digest | null = null;
  let issuedAt = 0;
  for await (const stored of journal.readSession(head.tenant, head.session)) {
    const statement = statementIn(stored);
    const input = inputIn(head, stored);
    if (statement.type !== 'outcome-certificate') known = statement.bundle.digest;
    else outcomes.set(statement.certificate_id, outcomeKey(statement.outcome, statement.result_digest));
    certified = statement.state.after;
    issuedAt = parseInstant(statement.issued_at) ?? issuedAt;
    if (input === undefined) continue;
    if (statement.type === 'permission-certificate' && input.kind === 'intent') {
      history.push({ input, effect: statement.effect });
      answers.set(statement.certificate_id, {
        fingerprint: fingerprint(crypto, input),
        answer: answerOf(statement),
      });
    } else history.push({ input });
  }
  const state = known === bundle.digest ? fold(bundle, history, head, certified) : refold(bundle, history);
  if (certified === null) throw corrupt(head, 'the journal has none of its statements');
  return { state, seq: head.seq, digest: head.digest, answers, outcomes, bundle: known, certified, issuedAt };
}

function fold(
  bundle: LoadedBundle,
  history: readonly RecordedInput[],
  head: SessionHead,
  certified: Digest | null,
): State {
  // `refold` and not `step` alone: an earlier bundle may have allowed what this one, in force since, would not.
  const state = refold(bundle, history);
  if (stateDigest(bundle, state) !== certified) {
    throw corrupt(head, 'its recorded inputs do not lead to the state that its last certificate names');
  }
  return state;
}

function statementIn(stored: StoredStatement): Statement {
  const envelope = parseEnvelope(parseJsonBytes(stored.envelope));
  return decodeStatement(envelope.payloadType, fromBase64(envelope.payload));
}

/** undefined for a change of bundle, which has no input of its own: the whole history is folded anew. */
function inputIn(head: SessionHead, stored: StoredStatement): Input | undefined {
  if (stored.record === null) throw corrupt(head, `the input record of seq ${stored.seq} was erased`);
  const value: JsonValue = inputOf(
    parseInputRecord(parseJsonBytes(stored.record, { maxDepth: MAX_JSON_DEPTH })),
  );
  return field(value, 'kind') === 'bundle' ? undefined : parseInput(value);
}

function corrupt(head: SessionHead, problem: string): EnforcementError {
  return new EnforcementError(
    'SESSION_CORRUPT',
    `session \`${head.session}\` cannot be continued: ${problem}; start a new session and run pf-verify on this one`,
  );
}

/** What makes two reports of an outcome the same report. */
export function outcomeKey(outcome: OutcomeKind, resultDigest: Digest | null): string {
  return `${outcome} ${resultDigest}`;
}

/** What makes two requests with one id the same request. */
export function fingerprint(crypto: Crypto, intent: IntentInput): Digest {
  const { principal, action, attributes } = intent;
  return digestJson(crypto, [principal as unknown as JsonValue, action as unknown as JsonValue, attributes]);
}

export function answerOf(decision: {
  readonly certificate_id: string;
  readonly effect: Answer['effect'];
  readonly verdict: string;
  readonly reasons: readonly { readonly code: string; readonly clause: string | null }[];
}): Answer {
  const first = decision.reasons[0];
  const refusal =
    decision.effect === 'allow' || first === undefined ? null : { code: first.code, clause: first.clause };
  return {
    certificateId: decision.certificate_id,
    effect: decision.effect,
    verdict: decision.verdict,
    refusal,
  };
}
